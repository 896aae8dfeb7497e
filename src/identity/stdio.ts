import type { Principal } from '../access/principal.ts'
import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import { createIdentifyParts, type IdentifyDependencies, identifyWith } from './create-identify.ts'
import { accessTokenHash, checkIdToken } from './id-token.ts'
import type { VerifiedJwt } from './jwt.ts'
import { answerLifetime, readingOfJwt, type Standing, standingOfJwt } from './standing.ts'
import { checkForm, presentedJwt } from './token-form.ts'

/** The tokens of one user over stdio. The access token is what is sent on; the ID token only supplies claims. */
export interface TokenPair {
  readonly accessToken: string
  readonly idToken?: string | undefined
}

/**
 * Gives the pair that is to be used now. `stale` is a pair that was just found to have expired or not to be accepted: a
 * newer one is wanted, and where there is none the same comes back.
 */
export type Tokens = (signal: AbortSignal, stale?: TokenPair) => Promise<TokenPair>

/** Finds out who a pair of tokens belongs to. Throws what `Identify` throws, and CONFIG as said below. */
export type IdentifyPair = (pair: TokenPair, signal: AbortSignal) => Promise<Principal>

/**
 * Makes `IdentifyPair`. An access token alone is identified as over HTTP. An ID token beside it must come from
 * `auth.issuer`, as the access token then, be signed, name one of auth.clients (none configured is CONFIG), and belong to the
 * access token: by its `at_hash` (OIDC Core, §3.1.3.6), and where it has none, by the same subject. Whoever names a subject has to name that one; one of
 * them has to be sure of it: the access token itself or introspection, as `namesPerson` says, else userinfo (OIDC Core,
 * §5.3.2). Its claims come before those of the sources.
 */
export function createStdioIdentify(options: AuthOptions, dependencies: IdentifyDependencies): IdentifyPair {
  const parts = createIdentifyParts(options, dependencies)
  const { cache, establish, readPermissions, verifyJwt, askUserinfo } = parts
  const identify = identifyWith(parts, options, dependencies)

  async function verifyIdToken(idToken: string): Promise<VerifiedJwt & { readonly algorithm: unknown }> {
    const presented = presentedJwt(idToken)
    if (presented === undefined) throw fhirMcpError('TOKEN_INVALID')
    checkIdToken(presented)
    const jwt = await verifyJwt(idToken, options.clients)
    const { azp } = jwt.claims
    // OIDC Core, §3.1.3.7: the authorized party, where it is named, is our client.
    if (azp !== undefined && !(typeof azp === 'string' && options.clients.includes(azp))) {
      throw fhirMcpError('AUDIENCE')
    }
    return { ...jwt, algorithm: presented.header.alg }
  }

  async function establishPair(accessToken: string, idToken: string): Promise<Standing> {
    const id = await verifyIdToken(idToken)
    const { at_hash: hash, aud } = id.claims
    const byHash = hash !== undefined
    if (byHash && hash !== accessTokenHash(id.algorithm, accessToken)) throw fhirMcpError('TOKEN_INVALID')
    const access = await establish.bySource(accessToken)
    const bound = byHash || (access !== undefined && namesPerson(access))
    const userinfo = bound ? undefined : await askUserinfo(accessToken)
    const named = [id.subject, userinfo?.subject ?? id.subject, access?.subject ?? id.subject]
    if (new Set(named).size > 1) throw fhirMcpError('TOKEN_INVALID')
    const own = standingOfJwt(id, 'id_token', options)
    const client = own.client ?? options.clients.find((name) => [aud].flat().includes(name))
    const base = access ?? own
    const now = Math.floor(dependencies.now() / 1000)
    return {
      subject: id.subject,
      client: base.client ?? client,
      scopes: base.scopes,
      patient: base.patient ?? own.patient,
      expiresAt: Math.min(id.expiresAt, access?.expiresAt ?? id.expiresAt),
      keepUntil: Math.min(own.keepUntil, base.keepUntil, bound ? own.keepUntil : now + answerLifetime),
      signed: true,
      inHand: [
        ['id_token', readingOfJwt(id)],
        ...(access?.inHand ?? []),
        ...(userinfo === undefined ? [] : [['userinfo', userinfo] as const]),
      ],
    }
  }

  return async ({ accessToken, idToken }, signal) => {
    if (idToken === undefined) return identify(accessToken, signal)
    if (options.clients.length === 0) {
      throw fhirMcpError('CONFIG', { detail: 'auth.clients must name the client of the ID token.' })
    }
    checkForm(accessToken)
    checkForm(idToken)
    return cache([accessToken, idToken], signal, async () =>
      readPermissions(await establishPair(accessToken, idToken), accessToken),
    )
  }
}

/**
 * Whether an access token is known to be of the person that its subject names, as surely as userinfo would say it.
 *
 * - The subject has to be said in the issuer's name (`iss`): within one issuer a `sub` is one person's and is never given to
 *   another (OIDC Core, §2), pairwise ones too (§8), so two that are equal are of one person. A verified JWT always says `iss`
 *   (RFC 9068, §2.2). In an introspection answer it may be missing (RFC 7662, §2.2), and whose subject it is then is not said.
 * - It must not be the client: a token that a client got for itself may have the client id for its subject (RFC 9068, §5).
 *
 * Its audience was checked before, so it is no token of another resource.
 */
function namesPerson({ subject, client, inHand }: Standing): boolean {
  const saidByIssuer = inHand.some(([, { claims }]) => (claims.iss ?? undefined) !== undefined)
  return subject !== undefined && saidByIssuer && subject !== client
}
