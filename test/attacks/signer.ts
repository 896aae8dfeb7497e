import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Loopback, startLoopback } from '../identity/loopback-issuer.ts'

export const audience = 'https://mcp.test/mcp'

/** An issuer with one Ed25519 key, which signs whatever it is given, right or wrong, at once. */
export interface Signer extends Loopback {
  readonly jwksUri: string
  readonly publicKey: KeyObject
  /** A header as a good token has it. */
  readonly header: Readonly<Record<string, unknown>>
  /** Claims of a good access token that was made just now. */
  claims(changes?: Record<string, unknown>): Record<string, unknown>
  /** A token with these claims; what is undefined is left out. */
  token(claims: Record<string, unknown>, header?: Record<string, unknown>): string
  /** Signs two texts as they stand. */
  raw(header: string, payload: string | Buffer): string
}

/** Starts an issuer whose keys are its own; `kid` tells two of them apart. */
export async function startSigner(kid = 'key-1'): Promise<Signer> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const loopback = await startLoopback()
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig', kid }
  loopback.on('/jwks', { body: { keys: [jwk] } })
  const header = { alg: 'EdDSA', kid, typ: 'at+jwt' }
  const raw = (head: string, payload: string | Buffer) => {
    const input = `${Buffer.from(head).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`
    return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
  }
  return {
    ...loopback,
    jwksUri: `${loopback.origin}/jwks`,
    publicKey,
    header,
    claims(changes = {}) {
      const now = Math.floor(Date.now() / 1000)
      const good = {
        iss: loopback.origin,
        sub: 'ada',
        aud: audience,
        client_id: 'c',
        iat: now,
        exp: now + 600,
      }
      return { ...good, ...changes }
    },
    token: (claims, changes = {}) => raw(JSON.stringify({ ...header, ...changes }), JSON.stringify(claims)),
    raw,
  }
}
