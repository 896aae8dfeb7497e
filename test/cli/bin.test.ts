import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { Assistant } from '../broker/assistant.ts'
import { createBrowser } from '../login/browser.ts'
import { finished, jupyterHealthVariables, temporaryFolder } from '../login/machine.ts'
import { startUpstream } from '../login/upstream.ts'
import { patience } from '../patience.ts'
import { startRedisStub } from './redis-stub.ts'
import { secretsOf, startStandalone } from './standalone.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const bin = join(root, 'dist/src/cli/main.js')
const audience = 'http://127.0.0.1:8765/mcp'
let issuer: TestIssuer
let exchange: TestExchange<unknown>

beforeAll(async () => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root })
  issuer = await startIssuer()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(async () => {
  await issuer.close()
  await exchange.close()
})

/** `serve` in a process of its own. */
function served(program: string, env: Readonly<Record<string, string>>, argv: readonly string[] = []) {
  const child = spawn(process.execPath, [program, 'serve', ...argv], {
    env: { ...surroundings(), ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    written.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    written.stderr += chunk.toString()
  })
  const ended = once(child, 'close')
  const listening = async () => {
    while (!/Server listening/.test(written.stderr)) {
      if (child.exitCode !== null) throw new Error(written.stderr)
      await Promise.race([once(child.stderr, 'data'), ended])
    }
  }
  return { child, written, ended, listening }
}

/** The built package as it is installed without some of its optional peers. */
function installedWithout(...peers: string[]): string {
  const folder = temporaryFolder()
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!peers.includes(name))
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  return join(folder, 'dist/src/cli/main.js')
}

function surroundings() {
  const { PATH = '', XDG_STATE_HOME = '', NODE_OPTIONS = '' } = process.env
  return { PATH, XDG_STATE_HOME, NODE_OPTIONS }
}

const environment = () => ({
  ...surroundings(),
  FHIR_MCP_FHIR_BASE_URL: exchange.url,
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: issuer.url,
  FHIR_MCP_AUTH_AUDIENCE: audience,
})

const claims = () => ({ sub: 'ada', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })

describe('the built command', () => {
  it('says to set HOME where its user has no folder', async ({ skip }) => {
    // Nobody has this number, and only root can be somebody else.
    const asNobody = { uid: 65_531, env: { PATH: process.env.PATH ?? '' } }
    const run = promisify(execFile)
    const mayRead = await run(process.execPath, [bin, '--version'], asNobody).catch(() => undefined)
    if (process.getuid?.() !== 0 || mayRead === undefined) skip('only root can be a user without a folder')
    const env = {
      ...asNobody.env,
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
    }
    const serving = run(process.execPath, [bin, 'serve', '--port', '0'], { ...asNobody, env })
    await expect(serving).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('set HOME') })
  })

  it('is executable by its first line', () => {
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('serve ends requests in flight and itself at SIGTERM', async () => {
    const child = spawn(process.execPath, [bin, 'serve', '--port', '0'], { env: environment() })
    onTestFinished(() => void child.kill('SIGKILL'))
    let log = ''
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(log)) await once(child.stderr, 'data')
    const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(log) ?? []
    expect(await (await fetch(`${origin}/ready`)).json()).toEqual({ status: 'ready' })
    child.kill('SIGTERM')
    const [code, signal] = await once(child, 'exit')
    expect([code, signal, out]).toEqual([0, null, ''])
  })

  it('stdio serves one user: tools, calls, resources; the log stays on stderr, and it ends with its client', async () => {
    const token = await issuer.token(claims())
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [bin, 'stdio'],
      env: { ...environment(), FHIR_MCP_ACCESS_TOKEN: token },
      stderr: 'pipe',
    })
    let log = ''
    transport.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(transport)
    onTestFinished(() => client.close())
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('get_patient_observations')
    const studies = await client.callTool({ name: 'list_studies', arguments: {} })
    expect(studies.isError).toBeUndefined()
    expect(studies.structuredContent).toMatchObject({ resourceType: 'Bundle', total: 1 })
    const denied = await client.callTool({ name: 'get_study_metadata', arguments: { study_id: 'study-b' } })
    expect(JSON.stringify(denied.structuredContent)).toContain('FHIR_MCP_FORBIDDEN')
    await client.close()
    expect(log).toContain('"tool":"list_studies"')
    expect(log).not.toContain(token)
  })

  it('stdio answers with TOKEN_EXPIRED once the token has expired', async () => {
    const token = await issuer.token(claims(), { expiresIn: -60 })
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [bin, 'stdio'],
        env: { ...environment(), FHIR_MCP_ACCESS_TOKEN: token },
        stderr: 'ignore',
      }),
    )
    onTestFinished(() => client.close())
    exchange.reset()
    const called = await client.callTool({ name: 'list_studies', arguments: {} })
    expect(called.isError).toBe(true)
    expect(JSON.stringify(called.structuredContent)).toContain('FHIR_MCP_TOKEN_EXPIRED')
    expect(exchange.count).toBe(0)
  })

  it.runIf(process.platform === 'linux')(
    'stdio signs in by the browser of the system, and shows no token to it, to its log or in its command line',
    async () => {
      const upstream = await startUpstream()
      onTestFinished(() => upstream.close())
      const folder = temporaryFolder()
      const browser = join(folder, 'browser')
      writeFileSync(
        browser,
        `#!/bin/sh\nprintf '%s' "$1" > "${folder}/part" && mv "${folder}/part" "${folder}/url"\n`,
      )
      chmodSync(browser, 0o755)
      const { FHIR_MCP_LOGIN_FOLDER: _, ...variables } = jupyterHealthVariables(upstream, folder)
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [bin, 'stdio'],
        env: {
          PATH: process.env.PATH ?? '',
          XDG_STATE_HOME: process.env.XDG_STATE_HOME ?? '',
          BROWSER: browser,
          XDG_DATA_HOME: folder,
          ...variables,
        },
        stderr: 'pipe',
      })
      let log = ''
      transport.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString()
      })
      const client = new Client({ name: 'test', version: '1' })
      await client.connect(transport)
      onTestFinished(() => client.close())
      expect((await client.listTools()).tools).toHaveLength(16)
      const calling = client.callTool({ name: 'get_my_access', arguments: {} })
      const opened = await vi.waitFor(() => readFileSync(join(folder, 'url'), 'utf8'), patience)
      expect((await createBrowser().signIn(opened)).status).toBe(200)
      const called = await calling
      expect(called.isError, JSON.stringify(called.content)).toBeUndefined()
      expect(called.structuredContent).toMatchObject({ subject: 'ada', studyCount: 2 })
      const commandLine = readFileSync(`/proc/${transport.pid}/cmdline`, 'utf8')
      expect(commandLine).toContain('stdio')
      expect(readdirSync(join(folder, 'fastify-fhir-mcp', 'sign-in'))).toHaveLength(1)
      await client.close()
      expect(log).toContain(opened)
      expect(upstream.secrets.size).toBeGreaterThan(2)
      for (const secret of upstream.secrets) {
        for (const shown of [opened, log, commandLine, JSON.stringify(called)])
          expect(shown).not.toContain(secret)
      }
    },
  )

  it('renews one sign-in in several processes at once, and none of them loses it', async () => {
    const upstream = await startUpstream()
    onTestFinished(() => upstream.close())
    const variables = jupyterHealthVariables(upstream, temporaryFolder())
    const openBrowser = async (url: string) => void (await createBrowser().signIn(url))
    expect((await finished(['login'], variables, openBrowser)).code).toBe(0)
    const folder = variables.FHIR_MCP_LOGIN_FOLDER ?? ''
    const [name = ''] = readdirSync(folder)
    const kept = () => JSON.parse(readFileSync(join(folder, name), 'utf8'))
    writeFileSync(join(folder, name), JSON.stringify({ ...kept(), expiresAt: 1 }))
    const env = {
      PATH: process.env.PATH ?? '',
      XDG_STATE_HOME: process.env.XDG_STATE_HOME ?? '',
      ...variables,
    }
    const whoami = () => promisify(execFile)(process.execPath, [bin, 'whoami'], { env })
    for (const { stdout } of await Promise.all([whoami(), whoami(), whoami()])) {
      expect(stdout).toContain('subject        ada')
    }
    expect(upstream.refreshes()).toBe(1)
    expect(upstream.isActive(kept().accessToken)).toBe(true)
  })
})

describe('the built command with the broker', () => {
  it('signs a person in for a client that has nothing but the URL, and ends with its storage at SIGTERM', async () => {
    const standalone = await startStandalone()
    const { child, written, ended, listening } = served(bin, standalone.environment)
    await listening()
    const assistant = new Assistant(standalone.mcpUrl)
    const tokens = await assistant.signIn()
    expect(await assistant.call('list_studies')).toContain('30006')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(written.stdout).toBe('')
    const secrets = secretsOf(standalone, tokens)
    expect(secrets.length).toBeGreaterThan(8)
    for (const secret of secrets) expect(written.stderr).not.toContain(secret)
  })

  it('ends at SIGTERM with Redis, which would keep it running if it were left open', async () => {
    const redis = await startRedisStub()
    onTestFinished(() => redis.close())
    const standalone = await startStandalone()
    const variables = { ...standalone.environment, FHIR_MCP_BROKER_STORAGE_REDIS: redis.url }
    const { child, ended, listening } = served(bin, variables)
    await listening()
    expect(redis.connections.open).toBe(1)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it.each([
    ['oidc-provider', 'FHIR_MCP_BROKER_UPSTREAM_ISSUER'],
    ['redis', 'FHIR_MCP_BROKER_STORAGE_REDIS'],
  ])('says which package to install where %s is missing', async (peer, variable) => {
    const { environment } = await startStandalone()
    const variables = { ...environment, FHIR_MCP_BROKER_STORAGE_REDIS: 'redis://127.0.0.1:9' }
    const { written, ended } = served(installedWithout(peer), variables)
    expect(await ended).toEqual([1, null])
    expect(written.stderr).toContain(
      `FHIR_MCP_CONFIG: The configuration is not usable. ${variable} needs a package that is not installed: npm install ${peer}.`,
    )
  })

  it('needs neither package for anything else', async () => {
    const program = installedWithout('oidc-provider', 'redis')
    const { child, ended, listening } = served(program, environment(), ['--port', '0'])
    await listening()
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'broker-secrets'])
    expect(stdout).toContain('FHIR_MCP_BROKER_KEYS=')
  })
})
