import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import { isSame } from '../pages/same.ts'
import type { Seal } from '../seal.ts'
import type { ComputeClaims } from './claims.ts'
import type { Holding, Holdings } from './holdings.ts'
import type { BrokerSettings } from './options.ts'
import type { Storage } from './storage.ts'
import type { Upstream, UpstreamTokens } from './upstream.ts'

/** Seconds that a sign-in may take, consent included. */
export const signInSeconds = 900

const beganSchema = z.object({
  uid: z.string(),
  clientId: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Digest of the cookie of the browser that began. */
  browser: z.string(),
})
const outcomeSchema = z.union([
  z.object({ failed: z.literal(['access_denied', 'server_error']), description: z.string() }),
  z.object({ holding: z.string(), csrf: z.string() }),
])

/** How a person's sign-in at the upstream ended, before anything was allowed to anybody. */
export type Outcome =
  | { readonly failed: 'access_denied' | 'server_error'; readonly description: string }
  | { readonly holding: Holding; readonly csrf: string }

/** Sign-ins that are under way, each of one interaction of oidc-provider (`uid`). */
export interface SignIns {
  /** Where the browser goes, and the cookie that binds it: `state` is of use with that cookie alone, and once. */
  begin(
    uid: string,
    clientId: string,
  ): Promise<{ readonly url: URL; readonly cookie: { readonly name: string; readonly value: string } }>
  /**
   * What came back to the callback. The interaction that goes on; undefined when this browser did not begin, or it is over. Its
   * outcome is kept meanwhile: of a failure the code alone, no token.
   */
  arrive(callback: URL, cookieOf: (name: string) => string | undefined): Promise<string | undefined>
  /** The outcome of an interaction, once somebody has arrived. */
  outcome(uid: string): Promise<Outcome | undefined>
  /** Takes the outcome away: of two that try, one gets it. */
  close(uid: string): Promise<Outcome | undefined>
}

export interface SignInParts {
  readonly settings: Pick<BrokerSettings, 'accessTokenLifetime' | 'claims' | 'signInLifetime'>
  readonly storage: Storage
  readonly seal: Seal
  readonly upstream: Upstream
  readonly computeClaims: ComputeClaims
  readonly holdings: Holdings
  readonly failed: (code: string) => void
  readonly now: () => number
}

/** Makes the sign-ins. */
export function createSignIns(parts: SignInParts): SignIns {
  const { storage, seal, upstream, computeClaims, holdings, failed, now } = parts
  const beganPlace = (key: string) => `sign-in:${key}`
  const outcomePlace = (uid: string) => `signed-in:${uid}`

  async function keep(uid: string, outcome: Outcome): Promise<void> {
    const place = outcomePlace(uid)
    const stored =
      'failed' in outcome
        ? outcome
        : { csrf: outcome.csrf, holding: await holdings.pack(place, outcome.holding) }
    await storage.set('SignedIn', uid, await seal.seal(place, JSON.stringify(stored)), signInSeconds)
  }

  async function read(uid: string, text: string | undefined): Promise<Outcome | undefined> {
    const place = outcomePlace(uid)
    const opened = text === undefined ? undefined : await seal.open(place, text)
    if (opened === undefined) return undefined
    const stored = outcomeSchema.parse(JSON.parse(opened))
    if ('failed' in stored) return stored
    const holding = await holdings.unpack(place, stored.holding)
    return holding === undefined ? undefined : { csrf: stored.csrf, holding }
  }

  async function conclude(
    clientId: string,
    callback: URL,
    challenge: z.output<typeof beganSchema>,
  ): Promise<Outcome> {
    let tokens: UpstreamTokens | 'denied' | undefined
    try {
      tokens = await upstream.finish(callback, challenge)
      if (tokens === 'denied') return { failed: 'access_denied', description: 'The sign-in was denied.' }
      return { csrf: secret(), holding: await holdingOf(clientId, tokens) }
    } catch (thrown) {
      if (!isFhirMcpError(thrown)) throw thrown
      failed(thrown.code)
      if (typeof tokens === 'object') await upstream.revoke(tokens)
      return { failed: 'server_error', description: describe(thrown) }
    }
  }

  async function holdingOf(clientId: string, tokens: UpstreamTokens): Promise<Holding> {
    const { sub, name, email, preferred_username: username } = tokens.idClaims ?? {}
    const subject = z.string().min(1).parse(sub)
    const computed = await computeClaims(subject, tokens)
    const { accessToken, refreshToken, expiresAt } = tokens
    const person = [name, email, username].find(
      (text): text is string => typeof text === 'string' && text !== '',
    )
    // Without a refresh there, claims that stand in ID tokens alone can never be computed anew.
    const renewable =
      refreshToken !== undefined || parts.settings.claims.sources.some((one) => one !== 'id_token')
    return {
      ...{ subject, person: person ?? subject, clientId, accessToken, refreshToken, expiresAt },
      ...computed,
      offline: renewable,
      redeemed: false,
      until: Math.floor(now() / 1000) + parts.settings.signInLifetime,
    }
  }

  return {
    async begin(uid, clientId) {
      const { url, challenge } = await upstream.begin()
      const key = digest(challenge.state)
      const value = secret()
      const began: z.output<typeof beganSchema> = { uid, clientId, ...challenge, browser: digest(value) }
      await storage.set('SignIn', key, await seal.seal(beganPlace(key), JSON.stringify(began)), signInSeconds)
      return { url, cookie: { name: cookieName(challenge.state), value } }
    },
    async arrive(callback, cookieOf) {
      const state = callback.searchParams.get('state') ?? ''
      const value = cookieOf(cookieName(state))
      const key = digest(state)
      // Looked at before it is used up: who has the state alone cannot spoil the sign-in of who has the cookie.
      const text = await storage.get('SignIn', key)
      const opened = text === undefined ? undefined : await seal.open(beganPlace(key), text)
      if (opened === undefined || value === undefined) return undefined
      const began = beganSchema.parse(JSON.parse(opened))
      if (!isSame(digest(value), began.browser)) return undefined
      if ((await storage.take('SignIn', key)) === undefined) return undefined
      await keep(began.uid, await conclude(began.clientId, callback, began))
      return began.uid
    },
    outcome: async (uid) => read(uid, await storage.get('SignedIn', uid)),
    close: async (uid) => read(uid, await storage.take('SignedIn', uid)),
  }
}

/** What a client is told of a failure: the code and words of the catalog. */
function describe(error: FhirMcpError): string {
  return `${error.code}: ${error.entry.message}`
}

/** One cookie for each sign-in, so that two tabs do not get in each other's way. */
function cookieName(state: string): string {
  return `fhir_mcp_sign_in_${digest(state).slice(0, 16)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function secret(): string {
  return randomBytes(32).toString('base64url')
}
