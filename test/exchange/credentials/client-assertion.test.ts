import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, exportJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { ClientOptions } from '../../../src/config/client.ts'
import { createSignAssertion } from '../../../src/exchange/credentials/client-assertion.ts'
import { keyPair, startMs } from './token-endpoint-double.ts'

const tokenUrl = 'https://login.example.org/token'
const now = () => startMs

function signerOf(key: string, options: Partial<ClientOptions> = {}) {
  return createSignAssertion({ id: 'our-client', scopes: [], ...options }, key, now)
}

const pem = (type: 'pkcs8' | 'pkcs1' = 'pkcs8', modulusLength = 2048) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type, format: 'pem' }).toString()

describe('an assertion', () => {
  it.each(['ES384', 'RS384', 'ES256', 'RS256', 'PS256'] as const)('is signed by %s', async (algorithm) => {
    const { pem: key, publicKey } = await keyPair(algorithm)
    const assertion = await signerOf(key, { algorithm, keyId: 'key-7' })(tokenUrl)
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
      algorithms: [algorithm],
      issuer: 'our-client',
      subject: 'our-client',
      audience: tokenUrl,
      currentDate: new Date(startMs),
      requiredClaims: ['jti', 'exp', 'iat'],
    })
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: 'key-7' })
    // SMART App Launch 2.2: no more than five minutes.
    expect((payload.exp ?? 0) * 1000 - startMs).toBe(180_000)
    expect((payload.iat ?? 0) * 1000).toBe(startMs)
  })

  it('is told its algorithm by the key where nobody names one', async () => {
    for (const [given, expected] of [
      ['ES384', 'ES384'],
      ['ES256', 'ES256'],
      ['RS256', 'RS384'],
    ] as const) {
      const header = decodeProtectedHeader(await signerOf((await keyPair(given)).pem)(tokenUrl))
      expect(header).toEqual({ alg: expected, typ: 'JWT' })
    }
  })

  it('takes a key as a JWK, with its kid and algorithm; the options come first', async () => {
    const { privateKey, publicKey } = await keyPair('RS256')
    const jwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'of-jwk', alg: 'RS256' })
    const byJwk = await signerOf(jwk)(tokenUrl)
    expect(decodeProtectedHeader(byJwk)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'of-jwk' })
    await jwtVerify(byJwk, publicKey, { currentDate: new Date(startMs) })
    const byOptions = await signerOf(jwk, { algorithm: 'RS384', keyId: 'ours' })(tokenUrl)
    expect(decodeProtectedHeader(byOptions)).toEqual({ alg: 'RS384', typ: 'JWT', kid: 'ours' })
  })

  it('is used once: each has an id of its own', async () => {
    const { pem: key, publicKey } = await keyPair('ES384')
    const sign = signerOf(key)
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { payload } = await jwtVerify(await sign(tokenUrl), publicKey, {
          currentDate: new Date(startMs),
        })
        return payload.jti
      }),
    )
    expect(new Set(ids).size).toBe(20)
  })
})

describe('a key that cannot be used', () => {
  const ec = (namedCurve: string) =>
    generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const cases: readonly (readonly [string, () => string, Partial<ClientOptions>, string])[] = [
    ['no key at all', () => 'hunter2', {}, 'is no private key'],
    [
      'a public key',
      () => JSON.stringify({ kty: 'EC', crv: 'P-384', x: 'hunter2', y: 'hunter2' }),
      {},
      'is no private key',
    ],
    ['half of JSON', () => '{"kty":"hunter2', {}, 'is no private key'],
    ['too short', () => pem('pkcs8', 1024), {}, 'must have 2048 bits'],
    ['of another curve', () => ec('secp521r1'), {}, 'must be of RSA, P-384 or P-256'],
    [
      'of another kind',
      () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      {},
      'must be of RSA, P-384 or P-256',
    ],
    [
      'of a curve that does not fit its algorithm',
      () => ec('P-256'),
      { algorithm: 'ES384' },
      'does not fit ES384',
    ],
    ['of RSA for an algorithm of curves', () => pem(), { algorithm: 'ES384' }, 'does not fit ES384'],
    ['of a curve for an algorithm of RSA', () => ec('P-384'), { algorithm: 'RS384' }, 'does not fit RS384'],
  ]

  it.each(cases)('is found at start: %s', (_, key, options, message) => {
    const start = () => signerOf(key(), options)
    expect(start).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    expect(start).toThrow(`fhir.client.key ${message}`)
    expect(start).not.toThrow('hunter2')
  })

  it('is none of these (control): PKCS#1 is read too', () => {
    expect(() => signerOf(pem('pkcs1'))).not.toThrow()
  })
})
