import type { Principal } from '../access/principal.ts'
import type { CallLine } from '../audit/record.ts'

/** Who a request belongs to: a verified principal, and the access token that showed it. */
export interface Bearer {
  readonly principal: Principal
  readonly token: string
  /** Takes a line on each call, for the log of the request that it came with. */
  readonly record?: (line: CallLine) => void
  /** Counts one call of this principal. Throws RATE_LIMITED when there were too many. */
  readonly admit?: () => Promise<void>
}

/** What both SDKs carry from the transport to a handler. It names nobody: only `bearerOf` can read it. */
export interface BearerHandle {
  token: string
  clientId: string
  scopes: string[]
}

const bearers = new WeakMap<object, Bearer>()

/** A handle for the SDKs to carry along; the token itself stays out of their structures. */
export function handleOf(bearer: Bearer): BearerHandle {
  const handle = { token: '', clientId: '', scopes: [] }
  bearers.set(handle, bearer)
  return handle
}

/** The bearer of a handle. Throws a TypeError for anything that `handleOf` did not make. */
export function bearerOf(handle: object | undefined): Bearer {
  const bearer = handle === undefined ? undefined : bearers.get(handle)
  if (bearer === undefined) throw new TypeError('A request reached a handler without a verified bearer')
  return bearer
}
