import { decodeJwt } from 'jose'
import type { TokenEndpointResponse } from 'openid-client'
import { z } from 'zod'
import type { TokenPair } from '../identity/stdio.ts'
import type { LoginSettings } from './settings.ts'

/** The tokens of one sign-in, as they are kept. */
export const tokenSetSchema = z.object({
  issuer: z.string(),
  client: z.string(),
  accessToken: z.string(),
  idToken: z.string().optional(),
  refreshToken: z.string().optional(),
  /** When the first of the pair expires, in seconds since the epoch; absent where the issuer does not say. */
  expiresAt: z.number().optional(),
  /** The resource that the tokens were asked for (RFC 8707), to be asked for again. */
  resource: z.string().optional(),
})
export type TokenSet = Readonly<z.output<typeof tokenSetSchema>>

/**
 * The tokens of an answer of the token endpoint. A refresh may leave the refresh token as it was (RFC 6749, §6). `now` is
 * in milliseconds since the epoch.
 */
export function tokenSetOf(
  answer: TokenEndpointResponse,
  settings: Pick<LoginSettings, 'issuer' | 'clientId' | 'resource'>,
  now: number,
  earlier?: TokenSet,
): TokenSet {
  const { access_token: accessToken, id_token: idToken, expires_in: expiresIn } = answer
  const refreshToken = answer.refresh_token ?? earlier?.refreshToken
  const resource = earlier === undefined ? settings.resource : earlier.resource
  const ends = [
    expiresIn === undefined ? expiryOf(accessToken) : Math.floor(now / 1000) + expiresIn,
    idToken === undefined ? undefined : expiryOf(idToken),
  ].filter((end) => end !== undefined)
  return {
    issuer: settings.issuer.href,
    client: settings.clientId,
    accessToken,
    ...(idToken === undefined ? {} : { idToken }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(ends.length === 0 ? {} : { expiresAt: Math.min(...ends) }),
    ...(resource === undefined ? {} : { resource }),
  }
}

/** The pair that stdio works with. */
export function pairOf({ accessToken, idToken }: TokenSet): TokenPair {
  return { accessToken, idToken }
}

/** Whether tokens of a set are these. */
export function isPair(set: TokenSet, pair: TokenPair): boolean {
  return set.accessToken === pair.accessToken && set.idToken === pair.idToken
}

/** The subject that an ID token names; it is verified where it is used. */
export function subjectOf({ idToken }: TokenSet): string | undefined {
  return idToken === undefined ? undefined : decodeJwt(idToken).sub
}

/** `exp` of a JWT; undefined for an opaque token. */
function expiryOf(token: string): number | undefined {
  try {
    return decodeJwt(token).exp
  } catch {
    return undefined
  }
}
