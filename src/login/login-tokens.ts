import { type Configuration, refreshTokenGrant } from 'openid-client'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { TokenPair, Tokens } from '../identity/stdio.ts'
import { openIssuer, resourceParameter } from './issuer-client.ts'
import { isInvalidGrant, refusalOf, signInFirst } from './refusal.ts'
import type { LoginSettings } from './settings.ts'
import type { TokenFile } from './token-file.ts'
import { isPair, pairOf, subjectOf, type TokenSet, tokenSetOf } from './token-set.ts'
import { within } from './within.ts'

/** Where a process gets its tokens from, once somebody has signed in on this machine. */
export interface LoginTokens {
  /**
   * The kept pair, renewed where it is about to expire, or where it is `stale`; otherwise somebody signs in. Throws
   * UNAUTHENTICATED when nobody has signed in yet, TOKEN_EXPIRED when a new sign-in is needed, ISSUER_UNAVAILABLE.
   */
  readonly tokens: Tokens
  /** The same without anybody signing in; undefined where that would be needed or the tokens cannot be had now. */
  kept(signal: AbortSignal): Promise<TokenPair | undefined>
}

export interface LoginTokensParts {
  readonly settings: LoginSettings
  readonly file: TokenFile
  /** Has somebody sign in; undefined where nobody can. The tokens are in the file when it resolves. */
  readonly signIn: (() => Promise<TokenSet>) | undefined
  /** How long one call waits for somebody who signs in, in milliseconds: shorter than clients wait for an answer. */
  readonly callPatience: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Seconds before its end at which a pair is renewed. */
const margin = 60

/**
 * Every request reads the file, because another process may have renewed what is in it, and some issuers end the old
 * access token then. A renewal and a sign-in are shared by all calls of the process, and neither ends with a call that
 * goes away: what the issuer has rotated must be written. Between processes the lock of the file lets one renew, and the
 * others find its result.
 */
export function createLoginTokens(parts: LoginTokensParts): LoginTokens {
  const { settings, file, now, callPatience } = parts
  const renewal = oneAtATime<TokenSet | undefined>()
  const entry = oneAtATime<TokenSet>()

  function lastsFor(set: TokenSet, seconds: number): boolean {
    return set.expiresAt === undefined || set.expiresAt - seconds > now() / 1000
  }

  function isGood(set: TokenSet, stale: TokenPair | undefined): boolean {
    return lastsFor(set, margin) && !(stale !== undefined && isPair(set, stale))
  }

  /** What could not be written in spite of that goes on in this process, which tries again. */
  let unwritten: TokenSet | undefined

  async function keep(renewed: TokenSet): Promise<void> {
    unwritten = renewed
    try {
      await file.write(renewed)
      unwritten = undefined
    } catch (thrown) {
      if (!isFhirMcpError(thrown)) throw thrown
    }
  }

  async function read(): Promise<TokenSet | undefined> {
    if (unwritten === undefined) return file.read()
    const renewed = unwritten
    await keep(renewed)
    return renewed
  }

  /** Undefined: there is nothing that could be renewed. */
  const renew = (stale: TokenPair | undefined) =>
    file.locked(async () => {
      const set = await read()
      if (set === undefined || isGood(set, stale)) return set
      if (set.refreshToken === undefined) {
        await file.remove()
        return undefined
      }
      // Where nothing can be written, such as on a full disk, a refresh would use the token up: its successor would be lost.
      await file.write(set)
      try {
        const renewed = await refreshed(set, set.refreshToken, settings, now)
        await keep(renewed)
        return renewed
      } catch (thrown) {
        if (isFhirMcpError(thrown, 'TOKEN_EXPIRED')) await file.remove()
        const usable = stale === undefined && lastsFor(set, 0)
        if (isFhirMcpError(thrown, 'ISSUER_UNAVAILABLE') && usable) return set
        throw thrown
      }
    })

  async function current(signal: AbortSignal, stale?: TokenPair): Promise<TokenSet | undefined> {
    const set = await read()
    if (set === undefined || isGood(set, stale)) return set
    signal.throwIfAborted()
    return within(
      renewal(() => renew(stale)),
      signal,
    )
  }

  async function entered(signal: AbortSignal): Promise<TokenSet> {
    const { signIn } = parts
    if (signIn === undefined) throw signInFirst('Run fastify-fhir-mcp login.')
    signal.throwIfAborted()
    const late = signInFirst('Finish signing in in the browser, then ask again.')
    return within(entry(signIn), signal, { milliseconds: callPatience, reason: late })
  }

  return {
    async tokens(signal, stale) {
      return pairOf((await current(signal, stale)) ?? (await entered(signal)))
    },
    async kept(signal) {
      try {
        const set = await current(signal)
        return set === undefined ? undefined : pairOf(set)
      } catch {
        return undefined
      }
    },
  }
}

/** A refresh (RFC 6749, §6; OpenID Connect Core 1.0, §12). Throws TOKEN_EXPIRED when the issuer wants a new sign-in. */
async function refreshed(
  set: TokenSet,
  refreshToken: string,
  settings: LoginSettings,
  now: () => number,
): Promise<TokenSet> {
  const issuer: Configuration = await openIssuer(settings)
  let renewed: TokenSet
  try {
    const answer = await refreshTokenGrant(issuer, refreshToken, resourceParameter(set.resource))
    renewed = tokenSetOf(answer, settings, now(), set)
  } catch (thrown) {
    throw isInvalidGrant(thrown) ? signInAgain() : refusalOf(thrown)
  }
  // §12.2: an ID token that comes with a refresh is of the same subject.
  if (renewed.idToken !== undefined && subjectOf(renewed) !== subjectOf(set)) throw signInAgain()
  return renewed
}

function signInAgain(): FhirMcpError {
  return fhirMcpError('TOKEN_EXPIRED', { detail: 'Run fastify-fhir-mcp login to sign in again.' })
}

/** Runs a piece of work that everybody shares who asks while it is under way. */
function oneAtATime<T>(): (work: () => Promise<T>) => Promise<T> {
  let underWay: Promise<T> | undefined
  return (work) => {
    if (underWay === undefined) {
      underWay = work().finally(() => {
        underWay = undefined
      })
      // Everybody who asked may have gone when it fails.
      underWay.catch(() => undefined)
    }
    return underWay
  }
}
