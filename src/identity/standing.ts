import type { Scopes } from '../access/scopes.ts'
import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import { checkForwardedClient, checkOpaqueAudience } from './audience.ts'
import { checkAccessToken } from './id-token.ts'
import type { Introspect } from './introspection.ts'
import type { VerifiedJwt, VerifyJwt } from './jwt.ts'
import type { Reading } from './reading.ts'
import { clientOf, grantOf, patientOf, scopesOf } from './token-claims.ts'
import { presentedJwt } from './token-form.ts'

/** Seconds that an answer about a token may be kept; a JWT speaks for itself until it expires. */
export const answerLifetime = 60

/** What is established of a token before its permissions are read. Times in seconds since the epoch. */
export interface Standing {
  readonly subject: string | undefined
  readonly client: string | undefined
  readonly scopes: Scopes
  readonly patient: string | undefined
  /** The sign-in of a broker's token. */
  readonly grant?: string | undefined
  readonly expiresAt: number | undefined
  readonly keepUntil: number
  /** Whether a signature established it: then it is looked at again when the issuer's keys are. */
  readonly signed: boolean
  /** What was read for it, by place, so that nothing is asked twice. */
  readonly inHand: readonly (readonly [Place, Reading])[]
}

/** A place where claims may be: a source of the configuration, or the ID token of a pair, which comes before them. */
export type Place = AuthOptions['sources'][number] | 'id_token'

/** Establishes whose an access token is, and that it is valid and meant for us. */
export interface Establish {
  /** By the first source that can tell: a JWT by its signature, an opaque token by introspection. */
  bearer(token: string): Promise<Standing>
  /** The same without a last resort; undefined when no source can tell (an opaque token without introspection). */
  bySource(token: string): Promise<Standing | undefined>
}

/** Whether a token without SMART scopes may read. */
type ScopeRule = Pick<AuthOptions, 'requireScopes'>

export interface EstablishParts {
  readonly options: AuthOptions
  readonly audiences: readonly string[]
  readonly exchangeAudience: string | undefined
  readonly verifyJwt: VerifyJwt
  readonly introspect: Introspect | undefined
  readonly now: () => number
}

/**
 * Throws TOKEN_INVALID, TOKEN_EXPIRED, AUDIENCE, NO_PERMISSIONS (an unreadable launch context) or ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
 * A token that looks like a JWT is an access token or refused, and with the source `jwt` it is verified or refused:
 * it is never tried as an opaque one instead.
 */
export function createEstablish(parts: EstablishParts): Establish {
  const { options, audiences, exchangeAudience, verifyJwt, introspect, now } = parts
  const { sources } = options

  async function bySource(token: string): Promise<Standing | undefined> {
    const presented = presentedJwt(token)
    if (presented !== undefined) {
      checkAccessToken(presented, options.tokenTypes)
      // Whoever vouches for it afterwards: what it says of itself decides where it may be sent on.
      if (exchangeAudience !== undefined && ![presented.claims.aud].flat().includes(exchangeAudience)) {
        throw fhirMcpError('AUDIENCE')
      }
      if (sources.includes('jwt')) {
        return standingOfJwt(await verifyJwt(token, audiences), 'jwt', options)
      }
    }
    if (introspect === undefined) return undefined
    const reading = await introspect(token)
    if (presented === undefined) {
      checkOpaqueAudience(reading.claims, audiences, options)
      if (exchangeAudience !== undefined) checkForwardedClient(reading.claims, options)
    } else {
      // A JWT says itself whom it is for: a scope does not make it ours.
      checkOpaqueAudience(reading.claims, audiences, { ...options, acceptedScopes: [] })
    }
    return standingOfAnswer(reading, now(), options)
  }

  return {
    bySource,
    async bearer(token) {
      const standing = await bySource(token)
      if (standing !== undefined) return standing
      if (!sources.includes('userinfo') && !sources.includes('exchange')) throw fhirMcpError('TOKEN_INVALID')
      if (!options.allowTokensWithoutAudience) throw fhirMcpError('AUDIENCE')
      return standingOfAnswer(undefined, now(), options)
    },
  }
}

/** What a verified JWT establishes: an access token, or the ID token of a pair. */
export function standingOfJwt(
  jwt: VerifiedJwt,
  place: 'jwt' | 'id_token',
  { requireScopes, issuer }: ScopeRule & Pick<AuthOptions, 'issuer'>,
): Standing {
  const { claims, subject, expiresAt } = jwt
  const patient = patientOf(claims, { issuer, subject })
  return {
    subject,
    client: clientOf(claims),
    scopes: scopesOf(claims, requireScopes),
    patient,
    grant: grantOf(claims),
    expiresAt,
    keepUntil: expiresAt,
    signed: true,
    inHand: [[place, readingOfJwt(jwt)]],
  }
}

/** The claims of a verified JWT as a reading. */
export function readingOfJwt({ claims, subject, expiresAt, issuedAt }: VerifiedJwt): Reading {
  return {
    source: 'jwt',
    claims,
    permissions: undefined,
    subject,
    patient: undefined,
    expiresAt,
    claimsAt: issuedAt,
  }
}

function standingOfAnswer(reading: Reading | undefined, now: number, { requireScopes }: ScopeRule): Standing {
  return {
    subject: reading?.subject,
    client: reading === undefined ? undefined : clientOf(reading.claims),
    scopes: scopesOf(reading?.claims ?? {}, requireScopes),
    patient: reading?.patient,
    expiresAt: reading?.expiresAt,
    keepUntil: Math.floor(now / 1000) + answerLifetime,
    signed: false,
    inHand: reading === undefined ? [] : [['introspection', reading]],
  }
}
