import { fhirMcpError } from '../errors.ts'
import { isClaims } from './claim.ts'
import type { Discovery } from './discovery.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'
import type { Reading } from './reading.ts'
import { subjectOf } from './token-claims.ts'

const what = 'The userinfo endpoint'

/** What userinfo says of the bearer of a token; it always names the subject. */
export interface UserinfoReading extends Reading {
  readonly subject: string
}

/** Asks userinfo with the token. Throws TOKEN_INVALID, NO_PERMISSIONS (it may not ask) or ISSUER_UNAVAILABLE. */
export type AskUserinfo = (token: string) => Promise<UserinfoReading>

/** OIDC userinfo (Core, §5.3), at `url` or where discovery finds it. `now` is in milliseconds. */
export function createAskUserinfo(
  url: string | undefined,
  discovery: Discovery,
  ask: AskJson,
  now: () => number,
): AskUserinfo {
  return async (token) => {
    const at = Math.floor(now() / 1000)
    const endpoint = url ?? (await discovery()).userinfoEndpoint
    if (endpoint === undefined) throw unavailable(what)
    const answer = await ask({ url: endpoint, what, headers: { authorization: `Bearer ${token}` } })
    if (answer.status === 401) throw fhirMcpError('TOKEN_INVALID')
    if (answer.status === 403) throw fhirMcpError('NO_PERMISSIONS')
    if (answer.status !== 200 || !isClaims(answer.body)) throw unavailable(what)
    const subject = subjectOf(answer.body)
    if (subject === undefined) throw fhirMcpError('TOKEN_INVALID')
    return {
      source: 'userinfo',
      claims: answer.body,
      permissions: undefined,
      subject,
      patient: undefined,
      expiresAt: undefined,
      claimsAt: at,
    }
  }
}
