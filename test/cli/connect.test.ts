import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stdioVariables } from '../connect/samples.ts'
import { finished, temporaryFolder } from '../login/machine.ts'

const url = 'https://mcp.example.org/mcp'

/** A home folder, and the command in it. */
function atHome() {
  const home = temporaryFolder()
  const file = join(home, '.cursor', 'mcp.json')
  const connect = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    finished(['connect', ...argv], { HOME: home, USERPROFILE: home, ...environment })
  const put = (text: string) => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const backups = () => readdirSync(dirname(file)).filter((name) => name.endsWith('.bak'))
  return { home, file, connect, put, backups, read: () => readFileSync(file, 'utf8') }
}

describe('connect', () => {
  it('prints the JSON alone to stdout, for the URL that is given, public or this machine', async () => {
    const { connect, home } = atHome()
    const printed = async (argv: string[], environment = {}) =>
      JSON.parse((await connect(['cursor', ...argv], environment)).stdout).mcpServers.fhir.url
    expect(await printed(['--url', url])).toBe(url)
    expect(await printed([], { FHIR_MCP_PUBLIC_URL: 'https://mcp.example.org/' })).toBe(url)
    expect(await printed([], { FHIR_MCP_PORT: '9000', FHIR_MCP_PATH: '/r5/mcp' })).toBe(
      'http://127.0.0.1:9000/r5/mcp',
    )
    expect(await printed([])).toBe('http://127.0.0.1:8765/mcp')
    const { stderr } = await connect(['cursor'])
    expect(stderr).toContain(join(home, '.cursor', 'mcp.json'))
    expect(stderr).toContain('https://cursor.com/docs/mcp')
    expect(readdirSync(home)).toEqual([])
  })

  it('prints the steps for a client without a file', async () => {
    const { stdout, code } = await atHome().connect(['chatgpt', '--url', url])
    expect([code, stdout.split('\n')[2]]).toEqual([0, `3. MCP server URL: ${url}`])
  })

  it('gives stdio the variables that are set now, and paths of files in full', async () => {
    const { connect, home } = atHome()
    const secret = join(home, 'secret')
    writeFileSync(secret, 's3cret')
    const { stdout } = await connect(['claude-desktop', '--stdio'], {
      ...stdioVariables,
      FHIR_MCP_LOGIN_CLIENT_SECRET_FILE: secret,
      FHIR_MCP_PORT: '9000',
      FHIR_MCP_AUDIT_PATH: 'audit.ndjson',
    })
    const { env, args } = JSON.parse(stdout).mcpServers.fhir
    expect(env).toEqual({
      ...stdioVariables,
      FHIR_MCP_LOGIN_CLIENT_SECRET_FILE: secret,
      FHIR_MCP_AUDIT_PATH: resolve('audit.ndjson'),
    })
    expect(args).toEqual(['-y', 'fastify-fhir-mcp', 'stdio'])
  })

  it('never prints or writes a secret, and says where to put it', async () => {
    const { connect, home } = atHome()
    for (const argv of [
      ['cursor', '--stdio'],
      ['cursor', '--stdio', '--write'],
    ]) {
      const told = await connect(argv, { ...stdioVariables, FHIR_MCP_LOGIN_CLIENT_SECRET: 's3cret' })
      expect(told.code).toBe(1)
      expect(told.stderr).toContain(
        'FHIR_MCP_LOGIN_CLIENT_SECRET_FILE in place of FHIR_MCP_LOGIN_CLIENT_SECRET',
      )
      expect(told.stdout + told.stderr).not.toContain('s3cret')
    }
    expect(readdirSync(home)).toEqual([])
  })

  it('refuses what would not work, with the reason', async () => {
    const { connect } = atHome()
    const cases = [
      [[], 'connect knows the clients claude-desktop'],
      [['netscape'], 'connect knows the clients'],
      [['cursor', '--url', 'http://mcp.example.org/mcp'], 'must be an https URL'],
      [['cursor', '--name', '__proto__'], '--name must be'],
      [['cursor', '--stdio', '--url', url], 'exclude each other'],
      [['cursor', '--stdio'], 'FHIR_MCP_FHIR_BASE_URL is required'],
      [['chatgpt'], 'public https URL'],
      [['chatgpt', '--url', url, '--write'], 'no file to write'],
      [['mcp-remote', '--write'], 'no file of its own'],
      [['claude-desktop', '--write', '--project'], 'no file of a project'],
    ] as const
    for (const [argv, reason] of cases) {
      const { code, stdout, stderr } = await connect(argv)
      expect([argv, code, stdout]).toEqual([argv, 1, ''])
      expect(stderr).toContain(reason)
    }
    const { FHIR_MCP_LOGIN_CLIENT_ID: _, ...nobody } = stdioVariables
    expect((await connect(['cursor', '--stdio'], nobody)).stderr).toContain('FHIR_MCP_LOGIN_CLIENT_ID')
    for (const argv of [
      ['cursor', 'more'],
      ['cursor', '--json'],
    ])
      expect((await connect(argv)).code).toBe(2)
    expect((await finished(['stdio', '--write'], {})).code).toBe(2)
  })
})

describe('connect --write', () => {
  it('makes a file that is not there, for its owner alone', async () => {
    const { connect, file, read } = atHome()
    const { code, stdout } = await connect(['cursor', '--url', url, '--write'])
    expect([code, stdout]).toEqual([0, expect.stringContaining(file)])
    expect(read()).toBe(`{\n  "mcpServers": {\n    "fhir": {\n      "url": "${url}"\n    }\n  }\n}\n`)
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('leaves everything else as it is, and the file as it was beside it', async () => {
    const { connect, put, read, backups, file } = atHome()
    const before =
      '{\n    "theme": "dark",\n    "mcpServers": { "other": { "command": "x", "env": { "A": "1" } } }\n}\n'
    put(before)
    expect((await connect(['cursor', '--url', url, '--write'])).code).toBe(0)
    expect(JSON.parse(read())).toEqual({
      theme: 'dark',
      mcpServers: { other: { command: 'x', env: { A: '1' } }, fhir: { url } },
    })
    expect(read()).toMatch(/^\{\n {4}"theme"/)
    const [backup = ''] = backups()
    expect(backup).toMatch(/^mcp\.json\.\d{8}T\d{6}\.\d{3}Z\.bak$/)
    const kept = join(dirname(file), backup)
    expect(readFileSync(kept, 'utf8')).toBe(before)
    if (process.platform !== 'win32') expect(statSync(kept).mode & 0o777).toBe(0o600)
  })

  it('changes nothing the second time', async () => {
    const { connect, backups } = atHome()
    await connect(['cursor', '--url', url, '--write'])
    const again = await connect(['cursor', '--url', url, '--write'])
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('has it already')])
    expect(backups()).toEqual([])
  })

  it('replaces another server of that name by --force alone', async () => {
    const { connect, put, read, backups } = atHome()
    const before = '{"mcpServers":{"fhir":{"url":"https://other.example.org/mcp"}}}'
    put(before)
    const refused = await connect(['cursor', '--url', url, '--write'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--force')])
    expect([read(), backups()]).toEqual([before, []])
    expect((await connect(['cursor', '--url', url, '--write', '--name', 'fhir-2'])).code).toBe(0)
    expect((await connect(['cursor', '--url', url, '--write', '--force'])).code).toBe(0)
    expect(JSON.parse(read()).mcpServers).toEqual({ fhir: { url }, 'fhir-2': { url } })
    expect(backups()).toHaveLength(2)
  })

  it('touches no file that it would not give back whole', async () => {
    const { connect, put, read, backups } = atHome()
    for (const text of [
      '{\n  // mine\n  "mcpServers": {}\n}',
      '[]',
      '{"mcpServers": []}',
      '{"mcpServers": {}}}',
    ]) {
      put(text)
      const { code, stderr } = await connect(['cursor', '--url', url, '--write'])
      expect([code, read(), backups()]).toEqual([1, text, []])
      expect(stderr).not.toContain('mine')
    }
    put(' \n')
    expect((await connect(['cursor', '--url', url, '--write'])).code).toBe(0)
  })

  it.skipIf(process.platform === 'win32')('follows a link to its file, and no link to nothing', async () => {
    const { connect, file, home } = atHome()
    mkdirSync(dirname(file))
    symlinkSync(join(home, 'dotfiles.json'), file)
    const nowhere = await connect(['cursor', '--url', url, '--write'])
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('leads nowhere')])
    writeFileSync(join(home, 'dotfiles.json'), '{"mcpServers":{}}')
    expect((await connect(['cursor', '--url', url, '--write'])).code).toBe(0)
    expect(lstatSync(file).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(join(home, 'dotfiles.json'), 'utf8')).mcpServers.fhir).toEqual({ url })
  })

  it('refuses a folder in the place of the file', async () => {
    const { connect, file } = atHome()
    mkdirSync(file, { recursive: true })
    expect((await connect(['cursor', '--url', url, '--write'])).stderr).toContain('is not a file')
  })
})
