import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Discovery } from './discovery.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'

/** What the issuer's keys are called in errors. */
export const keysName = "The issuer's keys"

/** How long keys are kept, in milliseconds. */
const lifetime = 300_000
/** So many unknown ids in so long are a flood, which must not become one at the issuer. */
const flood = { reads: 5, within: 30_000 }

/** The keys of an issuer. */
export interface IssuerKeys {
  /** The key of a signature, for jose. Throws ISSUER_UNAVAILABLE and the errors of jose. */
  readonly key: JWTVerifyGetKey
  /** Until when those that were read count, in milliseconds since the epoch. */
  until(): number
  /** A number that changes whenever the issuer publishes others. */
  version(): number
}

/** Keys as they were read. */
interface KeySet {
  readonly key: JWTVerifyGetKey
  readonly text: string
  readonly from: number
}

/**
 * The issuer's keys (RFC 7517): kept 5 minutes; an unknown `kid` has them read again at once, unless there are many in a short
 * time. Keys that a token brings or points to itself (`jwk`, `jku`, `x5u`) are never looked at. `now` is in milliseconds.
 */
export function createIssuerKeys(
  jwksUri: string | undefined,
  discovery: Discovery,
  ask: AskJson,
  now: () => number,
): IssuerKeys {
  let current: KeySet | undefined
  let flight: Promise<KeySet> | undefined
  let version = 0
  let until = 0
  let reads: number[] = []

  async function read(): Promise<KeySet> {
    const url = jwksUri ?? (await discovery()).jwksUri
    if (url === undefined) throw unavailable(keysName)
    const from = now()
    const answer = await ask({ url, what: keysName })
    if (answer.status !== 200) throw unavailable(keysName)
    const keys = { key: keySetOf(answer.body), text: JSON.stringify(answer.body), from }
    if (current !== undefined && current.text !== keys.text) version += 1
    current = keys
    until = from + lifetime
    return keys
  }

  function readOnce(): Promise<KeySet> {
    flight ??= read().finally(() => {
      flight = undefined
    })
    return flight
  }

  /** A clock that was set back must not make keys last longer. */
  function fresh(): KeySet | undefined {
    const age = current === undefined ? -1 : now() - current.from
    return age >= 0 && age < lifetime ? current : undefined
  }

  function mayReadAgain(): boolean {
    const time = now()
    reads = reads.filter((at) => at <= time && time - at < flood.within)
    if (reads.length >= flood.reads) return false
    reads.push(time)
    return true
  }

  return {
    async key(header, token) {
      const keys = fresh() ?? (await readOnce())
      try {
        return await keys.key(header, token)
      } catch (thrown) {
        if (!(thrown instanceof errors.JWKSNoMatchingKey) || !mayReadAgain()) throw thrown
        return (await readOnce()).key(header, token)
      }
    },
    until: () => until,
    version: () => version,
  }
}

function keySetOf(body: unknown): JWTVerifyGetKey {
  try {
    // jose looks at the form of the set, and throws for one that is none.
    return createLocalJWKSet(body as Parameters<typeof createLocalJWKSet>[0])
  } catch {
    throw unavailable(keysName)
  }
}
