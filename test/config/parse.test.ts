import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseBy, parseOptions } from '../../src/config/parse.ts'

const schema = z.object({
  storage: z
    .union([z.literal('memory'), z.object({ redis: z.string(), prefix: z.string().default('x:') })])
    .default('memory'),
})
const message = (storage: unknown) => {
  try {
    return JSON.stringify(parseBy(schema, { storage }).storage)
  } catch (thrown) {
    return String(thrown).replace(/^.*usable\. /, '')
  }
}

describe('a setting that is a word or a group', () => {
  it('is taken as either', () => {
    expect(message(undefined)).toBe('"memory"')
    expect(message('memory')).toBe('"memory"')
    expect(message({ redis: 'a' })).toBe('{"redis":"a","prefix":"x:"}')
  })

  it('is refused by what is wrong within the group that was given', () => {
    expect(message({ prefix: 'y:' })).toBe('storage.redis is required.')
    expect(message({ redis: 'a', prefix: 1, port: 2 })).toBe(
      'storage.port is not an option; storage.prefix must be a text.',
    )
    expect(message('disk')).toBe('storage does not have an accepted form.')
  })
})

describe('settings that would do something else than they say', () => {
  const given = (more: object) => ({
    fhir: { baseUrl: 'https://fhir.example.org/fhir', credentials: 'none' },
    auth: { issuer: 'https://login.example.org', ...('auth' in more ? Object(more.auth) : {}) },
    ...('auth' in more ? {} : more),
  })
  const refusal = (more: object) => {
    try {
      parseOptions(given(more))
      return ''
    } catch (thrown) {
      return String(thrown)
    }
  }

  it.each([
    [{ auth: { tokenTypes: [] } }, 'auth.tokenTypes must have at least 1'],
    [{ auth: { tokenTypes: [''] } }, 'auth.tokenTypes.0 must have at least 1'],
    ...[
      'openid',
      'OpenID',
      'profile',
      'email',
      'offline_access',
      'launch/patient',
      'user/*.rs',
      'a b',
      '',
    ].map((scope): [object, string] => [
      { auth: { acceptedScopes: ['mcp', scope] } },
      'auth.acceptedScopes.1 must be a scope of your own',
    ]),
    [{ auth: { clockTolerance: 301 } }, 'auth.clockTolerance must be at most 300'],
    [{ auth: { algorithms: ['HS256'] } }, 'auth.algorithms.0 must be one of'],
    [{ auth: { algorithms: ['none'] } }, 'auth.algorithms.0 must be one of'],
    [{ allowedHosts: ['*'] }, 'allowedHosts.0 must be a name, without *'],
    [{ allowedHosts: ['*.example.org'] }, 'allowedHosts.0 must be a name, without *'],
    [{ allowedOrigins: ['*'] }, 'allowedOrigins.0 must be a name, without *'],
  ])('are refused: %j', (more, message) => {
    expect(refusal(more)).toContain(message)
  })

  it.each([
    { auth: { tokenTypes: ['at+jwt', 'JWT'], clockTolerance: 300 } },
    { auth: { acceptedScopes: ['mcp', 'access:servers!user', 'api://x/Data'] } },
    { auth: { algorithms: ['RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'] } },
    { allowedHosts: ['mcp.example.org'], allowedOrigins: ['https://app.example.org'] },
  ])('are accepted otherwise: %j', (more) => {
    expect(refusal(more)).toBe('')
  })
})
