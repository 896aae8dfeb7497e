import { createHash } from 'node:crypto'
import { base64url, CompactEncrypt, compactDecrypt } from 'jose'
import { fhirMcpError } from './errors.ts'

/** Encrypts what is kept at rest (JWE, A256GCM), each text for one place: it does not open anywhere else. */
export interface Seal {
  seal(place: string, text: string): Promise<string>
  /** The text; undefined when it was not sealed for this place with one of the keys. */
  open(place: string, sealed: string): Promise<string | undefined>
}

/** Makes a seal. Keys are 32 bytes in base64url; the first one seals, all of them open. Throws CONFIG for another length. */
export function createSeal(keys: readonly string[]): Seal {
  const known = keys.map(keyOf)
  const [current] = known
  if (current === undefined) throw fhirMcpError('CONFIG', { detail: 'encryptionKey is required.' })
  const byId = new Map(known.map(({ kid, bytes }) => [kid, bytes]))
  return {
    seal: (place, text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: current.kid, place })
        .encrypt(current.bytes),
    async open(place, sealed) {
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(
          sealed,
          ({ kid }) => byId.get(String(kid)) ?? current.bytes,
          { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
        )
        return protectedHeader.place === place ? new TextDecoder().decode(plaintext) : undefined
      } catch {
        return undefined
      }
    },
  }
}

function keyOf(key: string): { readonly kid: string; readonly bytes: Uint8Array } {
  const bytes = decoded(key)
  if (bytes?.length !== 32) {
    throw fhirMcpError('CONFIG', { detail: 'encryptionKey must be 32 bytes in base64url.' })
  }
  return { kid: createHash('sha256').update(bytes).digest('base64url').slice(0, 12), bytes }
}

function decoded(key: string): Uint8Array | undefined {
  try {
    return base64url.decode(key)
  } catch {
    return undefined
  }
}
