import { describe, expect, it } from 'vitest'
import type { FhirOptions, HeldToken } from '../../../src/config/fhir.ts'
import { fhirMcpError } from '../../../src/errors.ts'
import { createCredentials, type TokenHolder } from '../../../src/exchange/credentials/credentials.ts'
import { callerOf } from '../../access/callers.ts'
import { thrownBy } from '../loopback.ts'
import { fhirOf, issued, keyPair, signal, startMs, startTokenEndpoint } from './token-endpoint-double.ts'

const now = () => startMs
const config = expect.objectContaining({ code: 'FHIR_MCP_CONFIG' })

function holder(subject: string, token = `token-of-${subject}`): TokenHolder {
  const base = { issuer: 'https://login.example.org', client: 'assistant', expiresAt: startMs / 1000 + 600 }
  const principal = { ...base, ...callerOf({ studies: ['a'] }), subject, claimsAt: startMs / 1000 }
  return { principal: { ...principal, source: 'jwt' }, token }
}
const ada = holder('ada')
const ben = holder('ben')

async function pairOf(fhir: FhirOptions, heldToken?: HeldToken) {
  const credentialOf = createCredentials(fhir, { now, heldToken })
  const [one, other] = [credentialOf(ada), credentialOf(ben)]
  const sent = [await one.authorization(signal), await other.authorization(signal)]
  return { sent, identities: [one.identity, other.identity], again: credentialOf(ada).identity }
}

describe('what a token endpoint refuses', () => {
  it.each([
    [
      'a code of OAuth',
      { error: 'invalid_target', error_description: 'text-of-the-endpoint' },
      'invalid_target',
    ],
    ['something else in its place', { error: 'eyJhbGciOiJub25lIn0.e30.' }, 'other'],
    ['no JSON', 'text-of-the-endpoint', 'other'],
  ])('is told to the log by endpoint, status and code: %s', async (_, body, error) => {
    const endpoint = await startTokenEndpoint(() => ({ status: 400, body }))
    const client = { tokenUrl: `${endpoint.url}?tenant=secret`, id: 'us', secret: 's' }
    const fhir = fhirOf({ credentials: 'token-exchange', audience: 'fhir-server', client })
    const told: unknown[] = []
    const credentialOf = createCredentials(fhir, { now, tokenRefused: (refusal) => void told.push(refusal) })
    await thrownBy(credentialOf(ada).authorization(signal))
    expect(told).toEqual([{ endpoint: endpoint.url, status: 400, error }])
  })

  it('the control: a token is not told', async () => {
    const endpoint = await startTokenEndpoint(() => issued('good'))
    const client = { tokenUrl: endpoint.url, id: 'us', secret: 's' }
    const fhir = fhirOf({ credentials: 'token-exchange', audience: 'fhir-server', client })
    const told: unknown[] = []
    const credentialOf = createCredentials(fhir, { now, tokenRefused: (refusal) => void told.push(refusal) })
    expect(await credentialOf(ada).authorization(signal)).toBe('Bearer good')
    expect(told).toEqual([])
  })
})

describe('what the exchange is asked with', () => {
  it('none: nothing, and what is read is shared', async () => {
    const { sent, identities } = await pairOf(fhirOf({ credentials: 'none' }))
    expect(sent).toEqual([undefined, undefined])
    expect(identities).toEqual(['exchange', 'exchange'])
  })

  it('backend-services: the plugin’s own token, and what is read is shared', async () => {
    const endpoint = await startTokenEndpoint((_, nth) => issued(`own-${nth}`))
    const client = {
      tokenUrl: endpoint.url,
      id: 'us',
      key: (await keyPair('ES384')).pem,
      scopes: ['system/*.rs'],
    }
    const { sent, identities } = await pairOf(fhirOf({ credentials: 'backend-services', client }))
    expect(sent).toEqual(['Bearer own-1', 'Bearer own-1'])
    expect(identities).toEqual(['exchange', 'exchange'])
    expect(endpoint.asked[0]?.form.toString()).not.toContain('token-of')
  })

  it('forward: each caller’s own token', async () => {
    const { sent, identities, again } = await pairOf(fhirOf({ credentials: 'forward' }))
    expect(sent).toEqual(['Bearer token-of-ada', 'Bearer token-of-ben'])
    expect(new Set([...identities, 'exchange']).size).toBe(3)
    expect(again).toBe(identities[0])
  })

  it('token-exchange: what each caller’s token was exchanged for', async () => {
    const endpoint = await startTokenEndpoint(({ form }) => issued(`exchanged-${form.get('subject_token')}`))
    const client = { tokenUrl: endpoint.url, id: 'us', secret: 's' }
    const { sent, identities } = await pairOf(
      fhirOf({ credentials: 'token-exchange', audience: 'https://fhir.example.org', client }),
    )
    expect(sent).toEqual(['Bearer exchanged-token-of-ada', 'Bearer exchanged-token-of-ben'])
    expect(new Set([...identities, 'exchange']).size).toBe(3)
  })

  it('held: what is held for each caller, never the caller’s token', async () => {
    const held: HeldToken = async ({ subject }) => `held-for-${subject}`
    const { sent, identities } = await pairOf(fhirOf({ credentials: 'held' }), held)
    expect(sent).toEqual(['Bearer held-for-ada', 'Bearer held-for-ben'])
    expect(new Set([...identities, 'exchange']).size).toBe(3)
    const own: HeldToken = async () => 'of-the-gateway'
    const overridden = await pairOf(fhirOf({ credentials: 'held', heldToken: own }), held)
    expect(overridden.sent).toEqual(['Bearer of-the-gateway', 'Bearer of-the-gateway'])
  })

  it.each(['token-exchange', 'backend-services', 'held'] as const)(
    'is asked for by nobody before it is used: %s',
    async (credentials) => {
      const endpoint = await startTokenEndpoint(() => issued('x'))
      let held = 0
      const heldToken: HeldToken = async () => {
        held += 1
        return 'x'
      }
      const key = (await keyPair('ES256')).pem
      const client = { tokenUrl: endpoint.url, id: 'us', key, scopes: ['system/*.rs'] }
      const credentialOf = createCredentials(fhirOf({ credentials, audience: 'a', client }), {
        now,
        heldToken,
      })
      const credential = credentialOf(ada)
      expect([endpoint.asked.length, held]).toEqual([0, 0])
      await credential.authorization(signal)
      expect(endpoint.asked.length + held).toBe(1)
    },
  )
})

describe('what is held', () => {
  const failing = (heldToken: HeldToken, end = signal) =>
    thrownBy(createCredentials(fhirOf({ credentials: 'held' }), { now, heldToken })(ada).authorization(end))

  it('is asked for anew each time: a refresh may have ended the last one', async () => {
    let nth = 0
    const heldToken: HeldToken = async () => `held-${++nth}`
    const credential = createCredentials(fhirOf({ credentials: 'held' }), { now, heldToken })(ada)
    expect(await credential.authorization(signal)).toBe('Bearer held-1')
    expect(await credential.authorization(signal, 'Bearer held-1')).toBe('Bearer held-2')
  })

  it('is told when its caller has gone', async () => {
    const gone = new AbortController()
    const waits: HeldToken = (_, end) =>
      new Promise((_resolve, reject) => end.addEventListener('abort', () => reject(new Error('closed'))))
    const failed = failing(waits, gone.signal)
    gone.abort(new Error('gone'))
    expect(await failed).toMatchObject({ message: 'gone' })
  })

  it('fails with the catalog’s error, or with one that repeats nothing', async () => {
    const revoked: HeldToken = async () => {
      throw fhirMcpError('TOKEN_INVALID')
    }
    expect(await failing(revoked)).toMatchObject({ code: 'FHIR_MCP_TOKEN_INVALID' })
    const words: HeldToken = async () => {
      throw new Error('refresh of hunter2 failed')
    }
    const sync: HeldToken = () => {
      throw new Error('hunter2')
    }
    for (const heldToken of [words, sync]) {
      const thrown = await failing(heldToken)
      expect(thrown).toMatchObject({
        code: 'FHIR_MCP_EXCHANGE_REJECTED',
        detail: 'It did not get a credential for the exchange.',
      })
      expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toContain('hunter2')
      expect((thrown as Error).cause).toBeUndefined()
    }
  })

  it.each(['', 'two words', 'a\r\nx-admin: 1', 'a'.repeat(20_000)])('is no token: %j', async (token) => {
    const rejected = { code: 'FHIR_MCP_EXCHANGE_REJECTED' }
    expect(await failing(async () => token)).toMatchObject(rejected)
  })
})

describe('credentials that cannot work', () => {
  const none = fhirOf({ credentials: 'none' })
  const start = (fhir: FhirOptions) => () => createCredentials(fhir, { now })

  it('fail at start: nothing holds tokens', () => {
    expect(start(fhirOf({ credentials: 'held' }))).toThrow(config)
    expect(start(fhirOf({ credentials: 'held' }))).toThrow('needs the broker')
  })

  it('fail at start: settings that somebody put together without the schema', async () => {
    const client = { id: 'us', scopes: ['system/*.rs'] }
    const tokenUrl = 'https://login.example.org/token'
    for (const [credentials, more, name] of [
      ['token-exchange', {}, 'fhir.client'],
      ['token-exchange', { client }, 'fhir.client.tokenUrl'],
      ['token-exchange', { client: { ...client, tokenUrl, secret: 's' } }, 'fhir.audience'],
      ['backend-services', {}, 'fhir.client'],
      ['backend-services', { client: { ...client, tokenUrl, secret: 's' } }, 'fhir.client.key'],
    ] as const) {
      const settings = { ...none, credentials, ...more }
      expect(start(settings)).toThrow(config)
      expect(start(settings)).toThrow(`${name} is required`)
    }
  })
})
