import { createHash } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { Principal } from '../access/principal.ts'
import { fhirMcpError } from '../errors.ts'

/** What a cursor is bound to: it is refused for another principal, tool or set of arguments, and where other rows are allowed. */
export interface CursorBinding {
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  readonly tool: string
  /** The arguments of the call; `cursor` itself, `format` and `limit` do not count. */
  readonly arguments: Readonly<Record<string, unknown>>
  /** What narrows the rows of the call beyond its arguments, where the position is the exchange's own: `narrowedBy`. */
  readonly narrowed?: readonly string[]
}

/** Seals and opens cursors. Permissions are never in one: every page is decided anew. */
export interface Cursors {
  /** A cursor for `position` (any JSON value); valid for one hour. */
  seal(binding: CursorBinding, position: unknown): Promise<string>
  /** The position of a cursor. Throws INVALID_ARGUMENT for one that is forged, expired, or of another call. */
  open(binding: CursorBinding, cursor: string): Promise<unknown>
}

/** How long a cursor is valid, in seconds. */
export const cursorSeconds = 3600
const free = new Set(['cursor', 'format', 'limit'])

/**
 * Cursors as JWE (RFC 7516, `dir` with A256GCM). `key` has 32 bytes; `now` gives milliseconds since the epoch.
 */
export function createCursors(key: Uint8Array, now: () => number): Cursors {
  return {
    async seal(binding, position) {
      const issuedAt = Math.floor(now() / 1000)
      return new EncryptJWT({ position, call: digest(binding) })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(issuedAt + cursorSeconds)
        .encrypt(key)
    },
    async open(binding, cursor) {
      const payload = await decrypt(cursor, key, now())
      if (payload === undefined || payload.call !== digest(binding)) {
        throw fhirMcpError('INVALID_ARGUMENT', {
          detail: 'cursor is not valid for this call: leave it out and start again with the first page.',
        })
      }
      return payload.position
    },
  }
}

async function decrypt(
  cursor: string,
  key: Uint8Array,
  now: number,
): Promise<Record<string, unknown> | undefined> {
  try {
    const options = {
      currentDate: new Date(now),
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      requiredClaims: ['exp'],
    }
    return (await jwtDecrypt(cursor, key, options)).payload
  } catch {
    return undefined
  }
}

function digest({ principal, tool, arguments: given, narrowed = [] }: CursorBinding): string {
  const names = Object.keys(given).filter((name) => !free.has(name) && given[name] !== undefined)
  const pairs = names.sort().map((name) => [name, given[name]])
  return createHash('sha256')
    .update(JSON.stringify([principal.issuer, principal.subject, tool, pairs, narrowed]))
    .digest('base64url')
}
