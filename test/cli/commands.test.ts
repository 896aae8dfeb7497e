import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { run } from '../../src/cli/run.ts'
import { brokerVariables, commandVariables, optionVariables } from '../../src/config/env.ts'
import { rpc } from '../plugins/gateway.ts'

const enough = {
  FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir',
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: 'http://127.0.0.1:9',
  FHIR_MCP_AUTH_AUDIENCE: 'http://127.0.0.1:8765/mcp',
}

function processDouble(environment: Record<string, string> = {}) {
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  return { stdin, stdout, stderr, environment, stopped, stop }
}

async function finished(argv: string[], environment: Record<string, string> = {}) {
  const surroundings = processDouble(environment)
  const code = await run(argv, surroundings)
  surroundings.stdout.end()
  surroundings.stderr.end()
  return { code, stdout: await text(surroundings.stdout), stderr: await text(surroundings.stderr) }
}

describe('the command line', () => {
  it('helps with every variable, its meaning, choices and default', async () => {
    for (const argv of [['help'], ['--help'], ['serve', '-h']]) {
      const { code, stdout } = await finished(argv)
      expect(code).toBe(0)
      for (const { name, leaf } of [...optionVariables, ...brokerVariables]) {
        expect(stdout).toContain(`  ${name}\n`)
        if (leaf.description !== undefined) expect(stdout).toContain(leaf.description)
      }
    }
    const { stdout } = await finished(['help'])
    expect(stdout).toContain('one of auto, hapi, jupyterhealth; default: auto')
    expect(stdout).toContain('FHIR base URL of the exchange (required)')
    expect(stdout).toContain('any of jwt, introspection, userinfo, exchange; default: jwt')
    expect(stdout).toContain('default: {"*":["*"]}')
    expect(stdout).toContain('any of id_token, introspection, userinfo, exchange; default: id_token')
    expect(stdout).toContain('It is on when\nFHIR_MCP_BROKER_UPSTREAM_ISSUER is set')
    for (const name of Object.keys(commandVariables)) expect(stdout).toContain(`  ${name}\n`)
    for (const command of [
      'serve',
      'stdio',
      'login',
      'logout',
      'whoami',
      'broker-secrets',
      'check',
      'connect',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    }
  })

  it('tells the version of the package', async () => {
    expect((await finished(['--version'])).stdout).toBe(`${packageJson.version}\n`)
  })

  it('refuses what it does not know', async () => {
    for (const argv of [
      [],
      ['run'],
      ['serve', 'more'],
      ['--verbose'],
      ['stdio', '--port', '1'],
      ['whoami', '--host', 'x'],
      ['stdio', '--device'],
      ['logout', '--no-browser'],
      ['login', '--device', '--no-browser'],
      ['serve', '--out', 'x'],
      ['broker-secrets', 'x'],
      ['broker-secrets', '--out'],
    ]) {
      const { code, stdout, stderr } = await finished(argv)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('--help')
    }
  })

  it('fails at start with the name of the setting that is wrong', async () => {
    const cases = [
      [['serve'], {}, 'FHIR_MCP_FHIR_BASE_URL is required'],
      [['serve', '--host', '0.0.0.0'], enough, 'FHIR_MCP_PUBLIC_URL is required'],
      [['serve', '--port', '70000'], enough, 'FHIR_MCP_PORT'],
      [['serve'], { ...enough, FHIR_MCP_PORT: 'x' }, 'FHIR_MCP_PORT'],
      [['serve'], { ...enough, FHIR_MCP_LOG_LEVEL: 'loud' }, 'FHIR_MCP_LOG_LEVEL must be one of'],
      [
        ['serve'],
        { ...enough, FHIR_MCP_RESULTS_CURSOR_KEY: 'short' },
        'FHIR_MCP_RESULTS_CURSOR_KEY must be 32 bytes',
      ],
      [['stdio'], enough, 'FHIR_MCP_ACCESS_TOKEN'],
      [['stdio'], { ...enough, FHIR_MCP_BROKER_TYPO: '1' }, 'FHIR_MCP_BROKER_TYPO is not a variable'],
      [['stdio'], { ...enough, FHIR_MCP_TYPO: '1' }, 'FHIR_MCP_TYPO'],
    ] as const
    for (const [argv, environment, message] of cases) {
      const { code, stdout, stderr } = await finished([...argv], { ...environment })
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('FHIR_MCP_CONFIG')
      expect(stderr).toContain(message)
    }
  })
})

describe('serve', () => {
  it('listens, answers, logs to stderr only, and stops when asked', async () => {
    const surroundings = processDouble(enough)
    onTestFinished(surroundings.stop)
    const ended = run(['serve', '--port', '0'], surroundings)
    let log = ''
    surroundings.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(log)) await once(surroundings.stderr, 'data')
    const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(log) ?? []
    expect(await (await fetch(`${origin}/health`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(`${origin}/mcp`, { method: 'POST' })).status).toBe(401)
    expect(log).toContain('the claims alone protect it')
    surroundings.stop()
    expect(await ended).toBe(0)
    await expect(fetch(`${origin}/health`)).rejects.toThrow()
    expect(surroundings.stdout.read()).toBeNull()
  })

  it('says why it cannot listen', async () => {
    const surroundings = processDouble(enough)
    onTestFinished(surroundings.stop)
    const ended = run(['serve', '--port', '0'], surroundings)
    let log = ''
    surroundings.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    while (!/127\.0\.0\.1:\d+/.test(log)) await once(surroundings.stderr, 'data')
    const port = /127\.0\.0\.1:(\d+)/.exec(log)?.[1] ?? ''
    const second = await finished(['serve', '--port', port], enough)
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(
      `fastify-fhir-mcp: FHIR_MCP_CONFIG: The configuration is not usable. Port ${port} at 127.0.0.1 is in use: end the program that has it, or choose another with --port or FHIR_MCP_PORT (EADDRINUSE).`,
    )
    const elsewhere = await finished(['serve', '--host', '192.0.2.1', '--port', '0'], {
      ...enough,
      FHIR_MCP_PUBLIC_URL: 'https://mcp.example.org',
    })
    expect(elsewhere.stderr).toContain('at 192.0.2.1 cannot be had, since that is no address of this machine')
    surroundings.stop()
    await ended
  })
})

describe('stdio', () => {
  it('answers one message a line, in both eras, until the client closes its end', async () => {
    for (const [first, version] of [
      [
        rpc('initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 't', version: '1' },
        }),
        '2025-11-25',
      ],
      [
        rpc('server/discover', {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        }),
        '2026-07-28',
      ],
    ] as const) {
      const surroundings = processDouble({ ...enough, FHIR_MCP_ACCESS_TOKEN: 'not-a-jwt' })
      const ended = run(['stdio'], surroundings)
      surroundings.stdin.write(`${JSON.stringify(first)}\n`)
      const [line] = (await once(surroundings.stdout, 'data')) as [Buffer]
      const answer = JSON.parse(line.toString())
      expect(JSON.stringify(answer.result)).toContain(version)
      expect(JSON.stringify(answer.result)).toContain('get_my_access')
      surroundings.stdin.end()
      expect(await ended).toBe(0)
    }
  })

  it('looks at the token before each call: a bad one is an answer, not a crash', async () => {
    const surroundings = processDouble({ ...enough, FHIR_MCP_ACCESS_TOKEN: 'not-a-jwt' })
    onTestFinished(surroundings.stop)
    const ended = run(['stdio'], surroundings)
    const ask = async (message: object) => {
      surroundings.stdin.write(`${JSON.stringify(message)}\n`)
      const [line] = (await once(surroundings.stdout, 'data')) as [Buffer]
      return JSON.parse(line.toString())
    }
    await ask(
      rpc('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 't', version: '1' },
      }),
    )
    const called = await ask(rpc('tools/call', { name: 'get_study_count', arguments: {} }, 2))
    expect(called.result).toMatchObject({
      isError: true,
      structuredContent: { resourceType: 'OperationOutcome' },
    })
    expect(called.result.content[0].text).toContain('FHIR_MCP_TOKEN_INVALID')
    const listed = await ask(rpc('tools/list', {}, 3))
    expect(listed.error).toMatchObject({ code: -32000, data: { code: 'FHIR_MCP_TOKEN_INVALID' } })
    surroundings.stop()
    expect(await ended).toBe(0)
  })
})
