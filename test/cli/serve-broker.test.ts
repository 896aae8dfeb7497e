import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Assistant } from '../broker/assistant.ts'
import { finished, start, temporaryFolder } from '../login/machine.ts'
import { patience } from '../patience.ts'
import { startRedisStub } from './redis-stub.ts'
import { type Standalone, secretsOf, startStandalone } from './standalone.ts'

type Variables = Readonly<Record<string, string>>

async function serving(environment: Variables) {
  const running = start(['serve'], environment)
  await running.shown(/Server listening at/)
  return running
}

/** The same settings, the secret ones as files. */
function withSecretFiles({ environment }: Standalone): Variables {
  const folder = temporaryFolder()
  const secret = /_(KEYS|COOKIE_SECRETS|ENCRYPTION_KEY|CLIENT_SECRET)$/
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      if (!secret.test(name)) return [name, value]
      writeFileSync(join(folder, name), `${value}\n`)
      return [`${name}_FILE`, join(folder, name)]
    }),
  )
}

describe('serve with the broker', () => {
  it.each([
    ['variables', ({ environment }: Standalone): Variables => environment],
    ['files', withSecretFiles],
  ])(
    'takes a client from the URL alone to a tool call, with secrets in %s that are never shown',
    async (_, variablesOf) => {
      const standalone = await startStandalone()
      const running = await serving(variablesOf(standalone))
      const assistant = new Assistant(standalone.mcpUrl)
      const tokens = await assistant.signIn()
      expect(assistant.claims).toMatchObject({
        iss: `${standalone.origin}/oauth`,
        aud: standalone.mcpUrl,
      })
      expect(await assistant.call('list_studies')).toContain('30006')
      expect(await assistant.refresh()).toBe('AUTHORIZED')
      const secrets = secretsOf(standalone, tokens)
      expect(secrets.length).toBeGreaterThan(8)
      running.stop()
      expect(await running.code).toBe(0)
      const { stdout, stderr } = running.written()
      expect(stdout).toBe('')
      expect(stderr).toContain('mcp call')
      expect(stderr).toContain(`"redirectUri":"${standalone.origin}/oauth/callback"`)
      for (const secret of secrets) expect(stderr).not.toContain(secret)
      await expect(fetch(`${standalone.origin}/health`)).rejects.toThrow()
    },
  )

  it('is at the public address, and asks for its own keys within the machine', async () => {
    const { environment, origin } = await startStandalone()
    await serving({
      ...environment,
      FHIR_MCP_PUBLIC_URL: 'https://gateway.invalid/research/',
      FHIR_MCP_PATH: '/r5/mcp',
      FHIR_MCP_BROKER_PATH: '/sign-in',
    })
    const document = await fetch(`${origin}/.well-known/oauth-protected-resource/research/r5/mcp`)
    expect(await document.json()).toMatchObject({
      resource: 'https://gateway.invalid/research/r5/mcp',
      authorization_servers: ['https://gateway.invalid/research/sign-in'],
    })
    expect(await (await fetch(`${origin}/r5/ready`)).json()).toEqual({ status: 'ready' })
  })

  it('keeps sign-ins in Redis, and lets it go when it ends', async () => {
    const redis = await startRedisStub()
    onTestFinished(() => redis.close())
    const { environment } = await startStandalone()
    const running = await serving({ ...environment, FHIR_MCP_BROKER_STORAGE_REDIS: redis.url })
    expect(redis.connections).toEqual({ open: 1, all: 1 })
    running.stop()
    expect(await running.code).toBe(0)
    await vi.waitFor(() => expect(redis.connections).toEqual({ open: 0, all: 1 }), patience)
  })

  it('leaves nothing open when it cannot start', async () => {
    const redis = await startRedisStub()
    onTestFinished(() => redis.close())
    const { environment } = await startStandalone()
    const taken = createServer().listen(Number(environment.FHIR_MCP_PORT), '127.0.0.1')
    onTestFinished(() => void taken.close())
    const inUse = await finished(['serve'], { ...environment, FHIR_MCP_BROKER_STORAGE_REDIS: redis.url })
    expect(inUse.code).toBe(1)
    expect(inUse.stderr).toContain('EADDRINUSE')
    const wrong = { FHIR_MCP_BROKER_STORAGE_REDIS: redis.url, FHIR_MCP_RESULTS_CURSOR_KEY: 'short' }
    expect((await finished(['serve'], { ...environment, ...wrong })).code).toBe(1)
    await vi.waitFor(() => expect(redis.connections).toEqual({ open: 0, all: 2 }), patience)
  })
})

describe('serve with a broker that is wrong', () => {
  const key = {
    ...{ kty: 'EC', crv: 'P-256', alg: 'ES256', kid: 'one' },
    ...{ x: 'hunter2', y: 'hunter2', d: 'hunter2' },
  }
  const enough: Variables = {
    FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/FHIR/R5',
    FHIR_MCP_FHIR_CREDENTIALS: 'held',
    FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'http://127.0.0.1:9',
    FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: 'gateway',
    FHIR_MCP_BROKER_KEYS: JSON.stringify(key),
    FHIR_MCP_BROKER_COOKIE_SECRETS: 'hunter2-hunter2-hunter2-hunter2-hunter2',
    FHIR_MCP_BROKER_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64url'),
  }
  const wrong: readonly (readonly [Variables, string])[] = [
    [{}, 'FHIR_MCP_BROKER_KEYS must be private keys of RS256 (2048 bits or more) or ES256'],
    [{ FHIR_MCP_FHIR_CREDENTIALS: 'forward' }, 'FHIR_MCP_FHIR_CREDENTIALS must not be forward'],
    [{ FHIR_MCP_FHIR_CREDENTIALS: '' }, 'FHIR_MCP_FHIR_CREDENTIALS is required'],
    [{ FHIR_MCP_AUTH_ISSUER: 'https://login.example.org' }, 'FHIR_MCP_AUTH_ISSUER must be left out'],
    [{ FHIR_MCP_AUTH_AUDIENCE: 'fhir-mcp' }, 'FHIR_MCP_AUTH_AUDIENCE must be left out'],
    [{ FHIR_MCP_AUTH_SOURCES: 'jwt,exchange' }, 'FHIR_MCP_AUTH_SOURCES must be left out'],
    [{ FHIR_MCP_AUTH_CLAIM: 'groups' }, 'FHIR_MCP_AUTH_CLAIM must be left out'],
    [{ FHIR_MCP_AUTH_CLAIM_PATH: 'realm' }, 'FHIR_MCP_AUTH_CLAIM_PATH must be left out'],
    [{ FHIR_MCP_AUTH_TOKEN_TYPES: 'JWT' }, 'FHIR_MCP_AUTH_TOKEN_TYPES must be left out'],
    [{ FHIR_MCP_AUTH_ALGORITHMS: 'RS256' }, 'FHIR_MCP_AUTH_ALGORITHMS must be left out'],
    [{ FHIR_MCP_BROKER_ACCESS_TOKEN_LIFETIME: '1800' }, 'FHIR_MCP_AUTH_MAX_CLAIMS_AGE must not be below'],
    [
      { FHIR_MCP_PUBLIC_URL: 'http://gateway.example.org' },
      'FHIR_MCP_PUBLIC_URL must be an https URL (http on loopback alone)',
    ],
    [{ FHIR_MCP_PUBLIC_URL: 'gateway' }, 'FHIR_MCP_PUBLIC_URL must be an http or https URL'],
    [{ FHIR_MCP_HOST: '0.0.0.0' }, 'FHIR_MCP_PUBLIC_URL is required'],
    [{ FHIR_MCP_PORT: '0' }, 'FHIR_MCP_PORT (--port) must not be 0'],
    [
      { FHIR_MCP_BROKER_UPSTREAM_ISSUER: '' },
      'FHIR_MCP_BROKER_UPSTREAM_ISSUER is required with FHIR_MCP_BROKER_',
    ],
    [
      { FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'http://x.org' },
      'FHIR_MCP_BROKER_UPSTREAM_ISSUER must be an https URL',
    ],
    [{ FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: '' }, 'FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID is required'],
    [{ FHIR_MCP_BROKER_KEYS: '' }, 'FHIR_MCP_BROKER_KEYS is required'],
    [{ FHIR_MCP_BROKER_KEYS: 'hunter2' }, 'FHIR_MCP_BROKER_KEYS must be JSON'],
    [{ FHIR_MCP_BROKER_KEYS: '{"kty":"EC"}' }, 'FHIR_MCP_BROKER_KEYS: alg is required'],
    [
      { FHIR_MCP_BROKER_COOKIE_SECRETS: 'hunter2' },
      'FHIR_MCP_BROKER_COOKIE_SECRETS must have at least 32 characters',
    ],
    [{ FHIR_MCP_BROKER_STORAGE_REDIS: 'redis:hunter2' }, 'FHIR_MCP_BROKER_STORAGE_REDIS must match'],
    [{ FHIR_MCP_BROKER_STORAGE_PREFIX: 'x:' }, 'FHIR_MCP_BROKER_STORAGE_REDIS '],
    [{ FHIR_MCP_BROKER_CLAIMS_SOURCES: 'jwt' }, 'FHIR_MCP_BROKER_CLAIMS_SOURCES must be one of'],
    [
      { FHIR_MCP_BROKER_CLAIMS_SOURCES: 'introspection' },
      'FHIR_MCP_BROKER_CLAIMS_INTROSPECTION_URL is required',
    ],
    [{ FHIR_MCP_BROKER_UPSTREAM_SECRET: 'hunter2' }, 'FHIR_MCP_BROKER_UPSTREAM_SECRET is not a variable'],
    [{ FHIR_MCP_BROKER_PUBLIC_URL: 'https://a.example.org' }, 'FHIR_MCP_BROKER_PUBLIC_URL is not a variable'],
    [
      { FHIR_MCP_BROKER_KEYS: '', FHIR_MCP_BROKER_KEYS_FILE: '/no/such/file' },
      'FHIR_MCP_BROKER_KEYS_FILE names a file',
    ],
  ]

  it.each(wrong)('fails at start, and shows no value: %o', async (given, message) => {
    const { code, stdout, stderr } = await finished(['serve', '--port', given.FHIR_MCP_PORT ?? '18765'], {
      ...enough,
      ...given,
    })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('FHIR_MCP_CONFIG')
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
  })

  it('says so when credentials are to be held and nothing holds them', async () => {
    const { stderr } = await finished(['serve'], {
      FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir',
      FHIR_MCP_FHIR_CREDENTIALS: 'held',
      FHIR_MCP_AUTH_ISSUER: 'http://127.0.0.1:9',
    })
    expect(stderr).toContain(
      'FHIR_MCP_FHIR_CREDENTIALS held needs the broker: FHIR_MCP_BROKER_UPSTREAM_ISSUER',
    )
  })
})
