import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import type { Discovery } from './discovery.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'

/** What the issuer's keys are called in errors. */
export const keysName = "The issuer's keys"

/** Clocks are set by less than this all the time, in milliseconds. */
const forgiven = 1000

/**
 * The issuer's keys: kept 5 minutes; an unknown `kid` reads them again, at most every 30 seconds. Keys that a token
 * brings or points to itself (`jwk`, `jku`, `x5u`) are never looked at. Throws ISSUER_UNAVAILABLE.
 */
export function createIssuerKeys(
  jwksUri: string | undefined,
  discovery: Discovery,
  ask: AskJson,
): JWTVerifyGetKey {
  let current: { readonly uri: string; readonly keys: JWTVerifyGetKey } | undefined
  let latest = Number.NEGATIVE_INFINITY
  return async (header, token) => {
    const uri = jwksUri ?? (await discovery()).jwksUri
    if (uri === undefined) throw unavailable(keysName)
    // By a clock that was set back, `jose` would keep the keys, and wait before it looks for new ones, for longer.
    const time = Date.now()
    const setBack = time < latest - forgiven
    if (current?.uri !== uri || setBack) current = { uri, keys: remoteKeys(uri, ask) }
    latest = setBack ? time : Math.max(latest, time)
    return current.keys(header, token)
  }
}

function remoteKeys(uri: string, ask: AskJson): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(uri), {
    cacheMaxAge: 300_000,
    cooldownDuration: 30_000,
    [customFetch]: async (url) => {
      const answer = await ask({ url, what: keysName })
      if (answer.status !== 200) throw unavailable(keysName)
      return Response.json(answer.body)
    },
  })
}
