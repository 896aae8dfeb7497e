import { z } from 'zod'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Seal } from '../seal.ts'
import { type ComputeClaims, permissionsClaimSchema } from './claims.ts'
import type { Storage } from './storage.ts'
import type { Upstream, UpstreamTokens } from './upstream.ts'

const holdingSchema = z.object({
  subject: z.string(),
  /** Name or e-mail, where the upstream says so. */
  person: z.string(),
  clientId: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** End of the upstream's access token, seconds since the epoch. */
  expiresAt: z.number().optional(),
  permissions: permissionsClaimSchema,
  /** Whether the person meets the superuser rule (claims.superuser). */
  superuser: z.boolean().default(false),
  patient: z.string().optional(),
  claimsAt: z.number(),
  /** Whether the person let the client stay signed in. */
  offline: z.boolean(),
  /** Whether the client has redeemed its code. */
  redeemed: z.boolean().default(true),
  /** End of the sign-in, seconds since the epoch. */
  until: z.number(),
})

/** What is held for one sign-in: the upstream's tokens and the claims that were computed with them. It never leaves the server. */
export type Holding = z.output<typeof holdingSchema>

/** What is held, by grant. */
export interface Holdings {
  put(grantId: string, holding: Holding): Promise<void>
  /** What is held; undefined when the sign-in has ended. */
  find(grantId: string): Promise<Holding | undefined>
  /**
   * What is held, with claims that are at most `age` seconds old: older ones are computed anew, the upstream's tokens refreshed
   * before where that is needed. One at a time for each grant. Throws what `ComputeClaims` throws; when the upstream does not
   * know the sign-in any more, it is ended, and undefined comes back.
   */
  withClaims(grantId: string, age: number): Promise<Holding | undefined>
  /** The upstream's access token, refreshed when it is about to expire; undefined as above. */
  accessToken(grantId: string): Promise<string | undefined>
  /** Destroys what is held and tells the upstream. */
  end(grantId: string): Promise<void>
  /** A holding as a text for the time before there is a grant. */
  pack(place: string, holding: Holding): Promise<string>
  unpack(place: string, text: string): Promise<Holding | undefined>
}

/** What holdings lean on. `now` is in milliseconds. */
export interface HoldingParts {
  readonly storage: Storage
  readonly seal: Seal
  readonly upstream: Upstream
  readonly computeClaims: ComputeClaims
  /** Where the ID token is among the sources of claims: a new one comes with a refresh alone. */
  readonly idToken: 'first' | 'later' | 'never'
  readonly now: () => number
}

/** Seconds before its end at which a token is not used any more. */
const margin = 30

/** Seconds for which a sign-in is held whose code nobody redeems; the code itself is good for 60. */
const unredeemedLifetime = 120

/** Makes the holdings, encrypted at rest. */
export function createHoldings(parts: HoldingParts): Holdings {
  const { storage, seal, upstream, computeClaims, now } = parts
  const placeOf = (grantId: string) => `holding:${grantId}`
  const seconds = () => Math.floor(now() / 1000)

  async function unpack(place: string, text: string): Promise<Holding | undefined> {
    const opened = await seal.open(place, text)
    if (opened === undefined) return undefined
    return holdingSchema.parse(JSON.parse(opened))
  }

  async function find(grantId: string): Promise<Holding | undefined> {
    const text = await storage.get('Holding', grantId)
    const holding = text === undefined ? undefined : await unpack(placeOf(grantId), text)
    return holding === undefined || holding.until <= seconds() ? undefined : holding
  }

  const pack = (place: string, holding: Holding) => seal.seal(place, JSON.stringify(holding))

  async function put(grantId: string, holding: Holding): Promise<void> {
    const text = await pack(placeOf(grantId), holding)
    const left = holding.until - seconds()
    const life = holding.redeemed ? left : Math.min(left, unredeemedLifetime)
    await storage.set('Holding', grantId, text, Math.max(1, life))
  }

  /** The sign-in is over for the upstream, so it is for us: refresh tokens of that grant are of no use without it. */
  async function drop(grantId: string): Promise<undefined> {
    await storage.remove('Grant', grantId)
    await storage.remove('Holding', grantId)
    return undefined
  }

  const expiring = ({ expiresAt }: Holding) => expiresAt !== undefined && expiresAt - margin <= seconds()

  async function refreshed(
    grantId: string,
    holding: Holding,
  ): Promise<{ readonly holding: Holding; readonly tokens: UpstreamTokens } | undefined> {
    if (holding.refreshToken === undefined) return drop(grantId)
    const tokens = await upstream.refresh(holding.refreshToken)
    const subject = tokens === 'invalid_grant' ? undefined : (tokens.idClaims?.sub ?? holding.subject)
    if (tokens === 'invalid_grant' || subject !== holding.subject) return drop(grantId)
    const next = { ...holding, ...tokensPart(tokens) }
    // Kept before anything else can fail: the old refresh token is of no use any more.
    await put(grantId, next)
    return { holding: next, tokens }
  }

  /** A token is about to be made: from here on it is held for as long as the sign-in lasts. */
  async function redeem(grantId: string): Promise<Holding | undefined> {
    const found = await find(grantId)
    if (found === undefined || found.redeemed) return found
    const redeemed = { ...found, redeemed: true }
    await put(grantId, redeemed)
    return redeemed
  }

  async function renew(grantId: string, age: number): Promise<Holding | undefined> {
    const before = await redeem(grantId)
    if (before === undefined || before.claimsAt + age >= seconds()) return before
    const inHand: UpstreamTokens = {
      accessToken: before.accessToken,
      refreshToken: before.refreshToken,
      expiresAt: before.expiresAt,
      idClaims: undefined,
    }
    const wanted = parts.idToken === 'first' && before.refreshToken !== undefined
    const renewed =
      wanted || expiring(before) ? await refreshed(grantId, before) : { holding: before, tokens: inHand }
    if (renewed === undefined) return undefined
    const computed = await computeAgain(grantId, renewed)
    if (computed === undefined) return undefined
    await put(grantId, computed)
    return computed
  }

  async function computeAgain(
    grantId: string,
    renewed: { readonly holding: Holding; readonly tokens: UpstreamTokens },
    again = true,
  ): Promise<Holding | undefined> {
    try {
      const computed = await computeClaims(renewed.holding.subject, renewed.tokens)
      return { ...renewed.holding, ...computed }
    } catch (thrown) {
      const spent = isSpent(thrown)
      const unread = parts.idToken === 'later' && renewed.tokens.idClaims === undefined
      const helps = spent || (unread && isFhirMcpError(thrown, 'NO_PERMISSIONS'))
      if (!helps || (!spent && (!again || renewed.holding.refreshToken === undefined))) throw thrown
      // The upstream does not take its own token any more: a new one, or the sign-in is over.
      const next = again ? await refreshed(grantId, renewed.holding) : await drop(grantId)
      return next === undefined ? undefined : computeAgain(grantId, next, false)
    }
  }

  return {
    put,
    find,
    pack,
    unpack,
    withClaims: (grantId, age) => storage.alone(`holding:${grantId}`, () => renew(grantId, age)),
    async accessToken(grantId) {
      const holding = await find(grantId)
      if (holding === undefined || !expiring(holding)) return holding?.accessToken
      return storage.alone(`holding:${grantId}`, async () => {
        const current = await find(grantId)
        if (current === undefined || !expiring(current)) return current?.accessToken
        return (await refreshed(grantId, current))?.holding.accessToken
      })
    },
    async end(grantId) {
      // A refresh that is under way would put back what is removed here, so it is waited for.
      const holding = await storage.alone(`holding:${grantId}`, async () => {
        const held = await find(grantId)
        await storage.remove('Holding', grantId)
        return held
      })
      if (holding !== undefined) await upstream.revoke(holding)
    },
  }
}

function tokensPart({ accessToken, refreshToken, expiresAt }: UpstreamTokens) {
  return { accessToken, refreshToken, expiresAt }
}

function isSpent(thrown: unknown): thrown is FhirMcpError {
  return isFhirMcpError(thrown, 'TOKEN_INVALID') || isFhirMcpError(thrown, 'TOKEN_EXPIRED')
}

/** The refusal of a caller whose sign-in has ended. */
export function signInEnded(): FhirMcpError {
  return fhirMcpError('TOKEN_INVALID', { detail: 'The sign-in has ended.' })
}
