import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readEnvironment } from '../../src/config/env.ts'
import { loginSettings, withLoginClient } from '../../src/login/settings.ts'
import { tokenSetOf } from '../../src/login/token-set.ts'

const enough = {
  FHIR_MCP_FHIR_BASE_URL: 'https://fhir.example.org/fhir',
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: 'https://login.example.org',
}

const settings = (more: Record<string, string> = {}) =>
  loginSettings(readEnvironment({ ...enough, FHIR_MCP_LOGIN_CLIENT_ID: 'assistant', ...more }))

describe('the settings of a sign-in', () => {
  it('are none without a client', () => {
    expect(loginSettings(readEnvironment(enough))).toBeUndefined()
  })

  it('keep tokens in the data folder of the user', () => {
    vi.stubEnv('XDG_DATA_HOME', '/home/ada/data')
    onTestFinished(() => void vi.unstubAllEnvs())
    const expected =
      process.platform === 'linux' ? '/home/ada/data/fastify-fhir-mcp/sign-in' : expect.any(String)
    expect(settings()?.folder).toEqual(expected)
    expect(settings({ FHIR_MCP_LOGIN_FOLDER: join('/x', 'y') })?.folder).toBe(join('/x', 'y'))
  })

  it('ask for the audience as a resource where it is one URI', () => {
    const one = { FHIR_MCP_AUTH_AUDIENCE: 'https://mcp.example.org/mcp' }
    expect(settings(one)?.resource).toBe('https://mcp.example.org/mcp')
    expect(settings({ ...one, FHIR_MCP_LOGIN_RESOURCE: 'none' })?.resource).toBeUndefined()
    expect(settings({ ...one, FHIR_MCP_LOGIN_RESOURCE: 'urn:fhir:x' })?.resource).toBe('urn:fhir:x')
    expect(settings({ FHIR_MCP_AUTH_AUDIENCE: 'account' })?.resource).toBeUndefined()
    expect(
      settings({ FHIR_MCP_AUTH_AUDIENCE: 'https://a.example,https://b.example' })?.resource,
    ).toBeUndefined()
    expect(settings()?.resource).toBeUndefined()
  })

  it.each([
    [{ FHIR_MCP_LOGIN_RESOURCE: 'mcp' }, 'FHIR_MCP_LOGIN_RESOURCE'],
    [{ FHIR_MCP_LOGIN_RESOURCE: 'https://a.example/#b' }, 'FHIR_MCP_LOGIN_RESOURCE'],
    [{ FHIR_MCP_LOGIN_PORT: '0' }, 'FHIR_MCP_LOGIN_PORT'],
    [{ FHIR_MCP_LOGIN_PORT: '65536' }, 'FHIR_MCP_LOGIN_PORT'],
    [{ FHIR_MCP_LOGIN_PORT: 'x' }, 'FHIR_MCP_LOGIN_PORT'],
    [{ FHIR_MCP_AUTH_ISSUER: 'http://login.example.org' }, 'FHIR_MCP_AUTH_ISSUER must be an https URL'],
  ])('are refused with their name: %o', (more, name) => {
    expect(() => settings(more)).toThrow(name)
  })

  it('have the client accepted, once', () => {
    const { options } = readEnvironment({ ...enough, FHIR_MCP_AUTH_CLIENTS: 'web' })
    const both = withLoginClient(options, 'assistant')
    expect(both.auth.clients).toEqual(['web', 'assistant'])
    expect(withLoginClient(both, 'assistant').auth.clients).toEqual(['web', 'assistant'])
  })
})

describe('the tokens of an answer', () => {
  const from = { issuer: new URL('https://login.example.org'), clientId: 'assistant', resource: undefined }
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
  const answer = { access_token: 'opaque', token_type: 'bearer' as const }

  it('end with the first of the pair', () => {
    expect(tokenSetOf(answer, from, 5000).expiresAt).toBeUndefined()
    expect(tokenSetOf({ ...answer, expires_in: 60 }, from, 5000).expiresAt).toBe(65)
    expect(tokenSetOf({ ...answer, access_token: jwt({ exp: 90 }) }, from, 5000).expiresAt).toBe(90)
    expect(tokenSetOf({ ...answer, expires_in: 60, id_token: jwt({ exp: 20 }) }, from, 5000).expiresAt).toBe(
      20,
    )
  })

  it('keep the refresh token and the resource that were there before', () => {
    const earlier = tokenSetOf({ ...answer, refresh_token: 'first' }, { ...from, resource: 'urn:x' }, 0)
    expect(tokenSetOf(answer, from, 0, earlier)).toMatchObject({ refreshToken: 'first', resource: 'urn:x' })
    expect(tokenSetOf({ ...answer, refresh_token: 'next' }, from, 0, earlier).refreshToken).toBe('next')
    expect(
      tokenSetOf(answer, { ...from, resource: 'urn:y' }, 0, tokenSetOf(answer, from, 0)).resource,
    ).toBeUndefined()
  })
})
