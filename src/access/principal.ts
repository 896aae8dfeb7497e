import type { Permissions } from './permissions.ts'
import type { Scopes } from './scopes.ts'

/** Where a principal's claims were read. */
export type ClaimsSource = 'jwt' | 'introspection' | 'userinfo' | 'exchange'

/** Who calls, and what the token says of it. It holds no token. */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  /** OAuth client (`client_id` or `azp`), where the token names one. */
  readonly client: string | undefined
  readonly permissions: Permissions
  readonly scopes: Scopes
  /** SMART launch context: the id of the one patient that the token is about. */
  readonly patient: string | undefined
  /** End of validity, in seconds since the epoch. */
  readonly expiresAt: number
  /** When the claims were made or read, in seconds since the epoch. */
  readonly claimsAt: number
  readonly source: ClaimsSource
  /** The sign-in that the token belongs to (`grant_id`), where it is one of our broker. */
  readonly grant?: string | undefined
}
