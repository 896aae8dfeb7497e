import type { AuthOptions } from '../config/auth.ts'
import { createDiscovery } from './discovery.ts'
import { createAskJson, unavailable } from './json-endpoint.ts'
import { keysName } from './jwks.ts'

/** Resolves when the issuer's keys can be read; throws ISSUER_UNAVAILABLE when they cannot. */
export type IssuerReady = () => Promise<void>

/** Whoever may ask without a token must not be able to make us ask the issuer more often than that, in milliseconds. */
const kept = 10_000

/**
 * Whether tokens could be verified at all: with the source `jwt` the issuer's keys are asked for, kept 10 seconds, one flight;
 * other sources cannot be asked without a token and count as ready. `now` is in milliseconds.
 */
export function createIssuerReady(
  auth: Pick<AuthOptions, 'issuer' | 'jwksUri' | 'sources'>,
  now: () => number,
): IssuerReady {
  if (!auth.sources.includes('jwt')) return async () => undefined
  const ask = createAskJson()
  const discovery = createDiscovery(auth.issuer, ask, now)
  let last: { readonly result: Promise<void>; readonly until: number } | undefined

  async function look(): Promise<void> {
    const url = auth.jwksUri ?? (await discovery()).jwksUri
    if (url === undefined || (await ask({ url, what: keysName })).status !== 200) throw unavailable(keysName)
  }

  return () => {
    if (last === undefined || now() >= last.until) last = { result: look(), until: now() + kept }
    return last.result
  }
}
