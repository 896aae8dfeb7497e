import { fhirMcpError } from '../errors.ts'

/** The key of the chain. Throws CONFIG for one that is not 32 bytes. */
export function chainKeyOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : keyOf(text, 'audit.chainKey')
}

/** Throws CONFIG for a key that is not 32 bytes in base64url. */
export function keyOf(text: string, name: string): Uint8Array {
  const key = Buffer.from(text, 'base64url')
  if (key.length === 32) return key
  throw fhirMcpError('CONFIG', { detail: `${name} must be 32 bytes in base64url.` })
}
