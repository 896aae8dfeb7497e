import { describe, expect, it } from 'vitest'
import { optionVariables, readEnvironment } from '../../../src/config/env.ts'
import { parseOptions } from '../../../src/config/parse.ts'

const environment = {
  FHIR_MCP_FHIR_BASE_URL: 'https://fhir.example.org/fhir',
  FHIR_MCP_AUTH_ISSUER: 'https://login.example.org',
}
const exchanging = {
  FHIR_MCP_FHIR_CREDENTIALS: 'token-exchange',
  FHIR_MCP_FHIR_AUDIENCE: 'https://fhir.example.org/fhir',
  FHIR_MCP_FHIR_CLIENT_TOKEN_URL: 'https://login.example.org/token',
  FHIR_MCP_FHIR_CLIENT_ID: 'us',
  FHIR_MCP_FHIR_CLIENT_SECRET: 'hunter2',
}
const backend = {
  FHIR_MCP_FHIR_CREDENTIALS: 'backend-services',
  FHIR_MCP_FHIR_CLIENT_ID: 'us',
  FHIR_MCP_FHIR_CLIENT_KEY: 'hunter2',
  FHIR_MCP_FHIR_CLIENT_SCOPES: 'system/Patient.rs, system/Observation.rs',
}
type Variables = Readonly<Record<string, string>>
const read = (...given: Variables[]) => readEnvironment(Object.assign({}, environment, ...given)).options.fhir

describe('the settings of credentials', () => {
  it('are variables too', () => {
    expect(read(exchanging).client).toEqual({
      tokenUrl: 'https://login.example.org/token',
      id: 'us',
      secret: 'hunter2',
      scopes: [],
    })
    const more = { FHIR_MCP_FHIR_CLIENT_KEY_ID: 'k', FHIR_MCP_FHIR_CLIENT_ALGORITHM: 'RS384' }
    expect(read(backend, more).client).toEqual({
      id: 'us',
      key: 'hunter2',
      keyId: 'k',
      algorithm: 'RS384',
      scopes: ['system/Patient.rs', 'system/Observation.rs'],
    })
    for (const credentials of ['forward', 'held', 'none']) {
      expect(read({ FHIR_MCP_FHIR_CREDENTIALS: credentials }).client).toBeUndefined()
    }
  })

  it('have no variable for a function', () => {
    expect(optionVariables.map(({ name }) => name)).not.toContain('FHIR_MCP_FHIR_HELD_TOKEN')
    expect(() => read(exchanging, { FHIR_MCP_FHIR_HELD_TOKEN: 'x' })).toThrow('is not a variable')
  })

  const wrong: readonly (readonly [Variables, Variables, string])[] = [
    [exchanging, { FHIR_MCP_FHIR_AUDIENCE: '' }, 'FHIR_MCP_FHIR_AUDIENCE is required'],
    [exchanging, { FHIR_MCP_FHIR_CLIENT_TOKEN_URL: '' }, 'FHIR_MCP_FHIR_CLIENT_TOKEN_URL is required'],
    [exchanging, { FHIR_MCP_FHIR_CLIENT_ID: '' }, 'FHIR_MCP_FHIR_CLIENT_ID is required'],
    [exchanging, { FHIR_MCP_FHIR_CLIENT_SECRET: '' }, 'FHIR_MCP_FHIR_CLIENT_SECRET or a key is required'],
    [
      exchanging,
      { FHIR_MCP_FHIR_CLIENT_KEY: 'hunter3' },
      'FHIR_MCP_FHIR_CLIENT_SECRET must not be there together',
    ],
    [{ FHIR_MCP_FHIR_CREDENTIALS: 'token-exchange' }, {}, 'FHIR_MCP_FHIR_CLIENT_ID is required'],
    [{ FHIR_MCP_FHIR_CREDENTIALS: 'backend-services' }, {}, 'FHIR_MCP_FHIR_CLIENT_KEY is required'],
    [backend, { FHIR_MCP_FHIR_CLIENT_KEY: '' }, 'FHIR_MCP_FHIR_CLIENT_KEY is required'],
    [backend, { FHIR_MCP_FHIR_CLIENT_SCOPES: '' }, 'FHIR_MCP_FHIR_CLIENT_SCOPES is required'],
    [backend, { FHIR_MCP_FHIR_CLIENT_SECRET: 'hunter3' }, 'FHIR_MCP_FHIR_CLIENT_SECRET is not used'],
    [backend, { FHIR_MCP_FHIR_CLIENT_ALGORITHM: 'HS256' }, 'FHIR_MCP_FHIR_CLIENT_ALGORITHM must be one of'],
    [
      backend,
      { FHIR_MCP_FHIR_BASE_URL: 'http://hapi.internal:8080/fhir', FHIR_MCP_FHIR_ALLOW_HTTP: 'true' },
      'FHIR_MCP_FHIR_CLIENT_TOKEN_URL is required',
    ],
    [{ FHIR_MCP_FHIR_CREDENTIALS: 'magic' }, {}, 'FHIR_MCP_FHIR_CREDENTIALS must be one of forward, held,'],
  ]
  it.each(wrong)('%j with %j fail at start', (base, change, message) => {
    const start = () => read(base, change)
    expect(start).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    expect(start).toThrow(message)
    expect(start).not.toThrow(/hunter/)
  })

  it.each([
    'http://login.example.org/token',
    'http://127.0.0.1.example.org/token',
    'http://localhost.example.org/token',
    'https://us:hunter2@login.example.org/token',
    'https://login.example.org/token#hunter2',
    'ftp://login.example.org/token',
    'login.example.org/token',
  ])('send no secret to %s', (tokenUrl) => {
    const start = () => read(exchanging, { FHIR_MCP_FHIR_CLIENT_TOKEN_URL: tokenUrl })
    expect(start).toThrow('FHIR_MCP_FHIR_CLIENT_TOKEN_URL must be an https URL')
    expect(start).not.toThrow(/hunter/)
  })

  it.each([
    'https://login.example.org/token?realm=a',
    'http://127.0.0.1:8080/token',
    'http://[::1]:8080/token',
    'http://localhost/token',
  ])('may name %s (control)', (tokenUrl) => {
    expect(read(exchanging, { FHIR_MCP_FHIR_CLIENT_TOKEN_URL: tokenUrl }).client?.tokenUrl).toBe(tokenUrl)
  })

  it('take a function where a gateway holds tokens, and nothing else in its place', () => {
    const options = (heldToken: unknown) => ({
      fhir: { baseUrl: 'https://fhir.example.org/fhir', credentials: 'held', heldToken },
      auth: { issuer: 'https://login.example.org' },
    })
    const heldToken = async () => 'x'
    expect(parseOptions(options(heldToken)).fhir.heldToken).toBe(heldToken)
    expect(() => parseOptions(options('x'))).toThrow('fhir.heldToken must be a function')
  })
})
