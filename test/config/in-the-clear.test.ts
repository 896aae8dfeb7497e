import { describe, expect, it } from 'vitest'
import { checkExchange } from '../../src/check/exchange.ts'
import { parseOptions } from '../../src/config/parse.ts'
import { startNotes } from '../../src/mcp/create-mcp-service.ts'

const enough = {
  fhir: { baseUrl: 'https://fhir.example.org/fhir', credentials: 'forward', audience: 'fhir' },
  auth: { issuer: 'https://login.example.org', audience: 'https://mcp.example.org/mcp' },
}

/** Every URL of the options, by its name, and options that hold one there. */
const urls: readonly (readonly [string, (url: string) => object])[] = [
  ['publicUrl', (publicUrl) => ({ ...enough, publicUrl })],
  ['fhir.baseUrl', (baseUrl) => ({ ...enough, fhir: { ...enough.fhir, baseUrl } })],
  ['fhir.apiUrl', (apiUrl) => ({ ...enough, fhir: { ...enough.fhir, apiUrl } })],
  [
    'fhir.client.tokenUrl',
    (tokenUrl) => ({ ...enough, fhir: { ...enough.fhir, client: { id: 'us', tokenUrl } } }),
  ],
  ['auth.issuer', (issuer) => ({ ...enough, auth: { ...enough.auth, issuer } })],
  ['auth.jwksUri', (jwksUri) => ({ ...enough, auth: { ...enough.auth, jwksUri } })],
  ['auth.userinfoUrl', (userinfoUrl) => ({ ...enough, auth: { ...enough.auth, userinfoUrl } })],
  [
    'auth.introspection.url',
    (url) => ({
      ...enough,
      auth: { ...enough.auth, introspection: { url, clientId: 'us', clientSecret: 'secret' } },
    }),
  ],
  [
    'audit.fhir.baseUrl',
    (baseUrl) => ({ ...enough, audit: { sink: 'fhir', fhir: { baseUrl, token: 'token' } } }),
  ],
]

/** What is wrong with options; empty where nothing is. */
function wrongWith(options: unknown): string {
  try {
    parseOptions(options)
    return ''
  } catch (thrown) {
    return String(thrown)
  }
}

describe.each(urls)('%s', (name, withUrl) => {
  it.each([
    'http://10.0.0.7/x',
    'http://inside/x',
    'http://127.0.0.1.attacker.example/x',
    'http://0.0.0.0/x',
  ])('is refused as %s, and its value is not repeated', (url) => {
    const wrong = wrongWith(withUrl(url))
    expect(wrong).toContain(`${name} must be an https URL (http on loopback alone)`)
    expect(wrong).not.toContain(url)
  })

  it.each([
    'https://anywhere.example.org/x',
    'http://127.0.0.1:8080/x',
    'http://localhost/x',
    'http://[::1]/x',
  ])('is accepted as %s', (url) => {
    expect(wrongWith(withUrl(url))).toBe('')
  })
})

describe('fhir.allowHttp', () => {
  const inside = { baseUrl: 'http://hapi:8080/fhir', apiUrl: 'http://hapi:8080/api/v1' }
  const allowing = (allowHttp: boolean) => ({ ...enough, fhir: { ...enough.fhir, ...inside, allowHttp } })

  it('permits http to the exchange, which the log at start mentions', () => {
    expect(wrongWith(allowing(false))).toContain('fhir.allowHttp permits http')
    expect(startNotes(parseOptions(allowing(true))).join()).toContain('fhir.allowHttp is set')
  })

  it('mentions nothing where all is by https', () => {
    const options = parseOptions({ ...enough, fhir: { ...enough.fhir, allowHttp: true } })
    expect(startNotes(options)).toEqual([])
  })

  it('permits http to nothing else', () => {
    const options = { ...allowing(true), auth: { ...enough.auth, issuer: 'http://login:8080' } }
    expect(wrongWith(options)).toContain('auth.issuer must be an https URL')
  })
})

describe('check', () => {
  const found = (baseUrl: string) =>
    checkExchange({
      server: async () => ({ dialect: 'hapi', software: undefined, fhirVersion: 'R4' }),
      options: parseOptions({ ...enough, fhir: { ...enough.fhir, baseUrl, allowHttp: true } }),
    })

  it('warns of an exchange that is reached in the clear, and of no other', async () => {
    expect(await found('http://hapi:8080/fhir')).toMatchObject({
      outcome: 'warn',
      found: expect.stringContaining('FHIR_MCP_FHIR_ALLOW_HTTP'),
    })
    expect(await found('https://hapi:8443/fhir')).toMatchObject({ outcome: 'ok' })
  })
})
