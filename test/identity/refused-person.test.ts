import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { FhirMcpError } from '../../src/errors.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import { refusedPerson } from '../../src/identity/refused-person.ts'
import { patientOf } from '../../src/identity/token-claims.ts'
import {
  claim,
  dependencies,
  type Issuer,
  now,
  paths,
  type SigningKey,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

let key: SigningKey
let issuer: Issuer

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
})
afterEach(() => issuer.close())

/** What an opaque token is refused with. */
async function refused(answer: object, options: Partial<AuthOptions> = {}): Promise<FhirMcpError> {
  issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', exp: now + 600, ...answer } })
  const all: Partial<AuthOptions> = {
    sources: ['introspection'],
    introspection: { url: issuer.origin + paths.introspection, clientId: 'gateway', clientSecret: 's' },
    clients: ['gateway'],
    ...options,
  }
  const identify = createIdentify(issuer.options(all), dependencies())
  const thrown = await identify('ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u', signal).catch((error: unknown) => error)
  if (!(thrown instanceof FhirMcpError)) throw new TypeError('The token was accepted')
  return thrown
}

describe('whose claim was refused', () => {
  it.each([
    ['there is none', {}],
    ['it is no object', { jhe_permissions: 'all' }],
    ['the patient is no id', { jhe_permissions: claim, patient: 'Ada Smith' }],
  ])('is known of an opaque token where %s', async (_, answer) => {
    const error = await refused({ sub: '10013', ...answer })
    expect(error.code).toBe('FHIR_MCP_NO_PERMISSIONS')
    expect(refusedPerson(error)).toEqual({ issuer: issuer.issuer, subject: '10013', client: 'gateway' })
    // Nobody who logs the error names anybody.
    expect(JSON.stringify(error) + error.message + String(error.stack)).not.toMatch(/10013|Ada/)
  })

  it('is known where userinfo alone names the person, and refuses', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013' } })
    const sources = { sources: ['introspection', 'userinfo'] } as const
    const error = await refused({}, { sources: [...sources.sources] })
    expect(refusedPerson(error)?.subject).toBe('10013')
  })

  it('is nobody where no source names a person, and for what is no matter of the claim', async () => {
    const unnamed = await refused({})
    expect([unnamed.code, refusedPerson(unnamed)]).toEqual(['FHIR_MCP_NO_PERMISSIONS', undefined])
    const inactive = await refused({ sub: '10013', active: false })
    expect([inactive.code, refusedPerson(inactive)]).toEqual(['FHIR_MCP_TOKEN_INVALID', undefined])
    const expired = await refused({ sub: '10013', exp: now - 600, jhe_permissions: claim })
    expect(refusedPerson(expired)).toBeUndefined()
  })

  it('is nobody where a launch context is read of no person', () => {
    expect(() => patientOf({ patient: 'Ada Smith' })).toThrow('A claim is there, but it cannot be read')
  })
})
