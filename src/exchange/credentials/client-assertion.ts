import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { assertionAlgorithms, type ClientOptions } from '../../config/client.ts'
import { type FhirMcpError, fhirMcpError } from '../../errors.ts'

/** Signs an assertion (RFC 7523, §3) for a token endpoint. */
export type SignAssertion = (tokenUrl: string) => Promise<string>

type Algorithm = (typeof assertionAlgorithms)[number]

/** SMART App Launch 2.2 (client-confidential-asymmetric): at most 5 minutes. */
const lifetime = 180
const curves: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384' }

/**
 * Makes assertions for `private_key_jwt`, each one with an id of its own. Throws CONFIG for a key that is none, is too weak,
 * or does not fit its algorithm. `now` is in milliseconds.
 */
export function createSignAssertion(client: ClientOptions, key: string, now: () => number): SignAssertion {
  const { privateKey, jwk } = readKey(key)
  const named = assertionAlgorithms.find((one) => one === jwk.alg)
  const algorithm = algorithmFor(privateKey, client.algorithm ?? named)
  const kid = client.keyId ?? (typeof jwk.kid === 'string' ? jwk.kid : undefined)
  const header = { alg: algorithm, typ: 'JWT', ...(kid === undefined ? {} : { kid }) }
  return (tokenUrl) => {
    const issuedAt = Math.floor(now() / 1000)
    return (
      new SignJWT()
        .setProtectedHeader(header)
        .setIssuer(client.id)
        .setSubject(client.id)
        .setAudience(tokenUrl)
        // RFC 7523 leaves it open, and Keycloak refuses an assertion without.
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetime)
        .setJti(randomUUID())
        .sign(privateKey)
    )
  }
}

interface PrivateKey {
  readonly privateKey: KeyObject
  /** The members of a JWK; none for PEM. */
  readonly jwk: Readonly<Record<string, unknown>>
}

function readKey(text: string): PrivateKey {
  try {
    if (!text.trimStart().startsWith('{')) return { privateKey: createPrivateKey(text), jwk: {} }
    const jwk = JSON.parse(text)
    return { privateKey: createPrivateKey({ key: jwk, format: 'jwk' }), jwk }
  } catch {
    // What is thrown may repeat a part of the key.
    throw unusable('is no private key in PEM (PKCS#8) or as a JWK')
  }
}

function algorithmFor(key: KeyObject, wanted: Algorithm | undefined): Algorithm {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const byCurve = curves[namedCurve]
  if (byCurve !== undefined) {
    if (wanted === undefined || wanted === byCurve) return byCurve
    throw unusable(`does not fit ${wanted}`)
  }
  if (key.asymmetricKeyType !== 'rsa') throw unusable('must be of RSA, P-384 or P-256')
  if (modulusLength < 2048) throw unusable('must have 2048 bits or more')
  if (wanted?.startsWith('ES')) throw unusable(`does not fit ${wanted}`)
  return wanted ?? 'RS384'
}

function unusable(why: string): FhirMcpError {
  return fhirMcpError('CONFIG', { detail: `fhir.client.key ${why}.` })
}
