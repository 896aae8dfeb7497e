import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpstream } from '../../src/broker/upstream.ts'
import { isFhirMcpError } from '../../src/errors.ts'
import { insecureEndpoint } from '../../src/identity/endpoints.ts'
import { openIssuer } from '../../src/login/issuer-client.ts'
import { paths, startLoopback } from './loopback-issuer.ts'

const members = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'pushed_authorization_request_endpoint',
]
const here = 'http://127.0.0.1:8080/o'
const secure = 'https://login.example.org'

describe.each(members)('%s of an issuer', (member) => {
  it.each([
    [secure, 'https://keys.example.org/x'],
    [here, 'http://127.0.0.1:9090/x'],
    [here, 'https://keys.example.org/x'],
  ])('whose address is %s may be %s', (issuer, url) => {
    expect(insecureEndpoint(issuer, { [member]: url })).toBeUndefined()
  })

  it.each([
    [secure, 'http://login.example.org/x'],
    [secure, 'http://127.0.0.1/x'],
    [here, 'http://10.0.0.7/x'],
    [here, 'http://127.0.0.1.attacker.example/x'],
    [here, 'ftp://127.0.0.1/x'],
    [here, 1],
  ])('whose address is %s may not be %s', (issuer, url) => {
    expect(insecureEndpoint(issuer, { [member]: url })).toBe(member)
  })
})

/** An issuer on this machine whose metadata names this token endpoint. */
async function issuerWith(tokenEndpoint: (origin: string) => string) {
  const server = await startLoopback()
  onTestFinished(() => server.close())
  const issuer = `${server.origin}/o`
  server.on(paths.discovery, {
    body: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: tokenEndpoint(server.origin),
      code_challenge_methods_supported: ['S256'],
    },
  })
  return issuer
}

const elsewhere = () => 'http://10.0.0.7/token'
const onThisMachine = (origin: string) => `${origin}/token`
const wordsOf = (thrown: unknown) =>
  isFhirMcpError(thrown) ? `${thrown.code} ${thrown.detail}` : 'another error'

describe('a token endpoint in the clear', () => {
  const login = async (tokenEndpoint: (origin: string) => string) =>
    openIssuer({ issuer: new URL(await issuerWith(tokenEndpoint)), clientId: 'us', clientSecret: undefined })
  const broker = async (tokenEndpoint: (origin: string) => string) => {
    const issuer = await issuerWith(tokenEndpoint)
    const settings = { issuer, clientId: 'us', clientSecret: 'secret', scope: 'openid', parameters: {} }
    return createUpstream(settings, 'https://mcp.example.org/oauth/callback', Date.now).begin()
  }

  it('stops a login', async () => {
    await expect(login(onThisMachine)).resolves.toBeDefined()
    expect(wordsOf(await login(elsewhere).catch((thrown: unknown) => thrown))).toContain(
      'Its token_endpoint is not an https URL.',
    )
  })

  it('stops a sign-in at the broker', async () => {
    await expect(broker(onThisMachine)).resolves.toBeDefined()
    expect(wordsOf(await broker(elsewhere).catch((thrown: unknown) => thrown))).toContain(
      'Its token_endpoint is not an https URL.',
    )
  })
})
