import type { Principal } from '../access/principal.ts'
import { isFhirMcpError } from '../errors.ts'
import type { PrincipalCache } from '../identity/cache.ts'
import type { Meter } from './meter.ts'
import { inSpan, noteOnSpan } from './spans.ts'

/** Finds out who a token, or a pair of them, belongs to. */
type Identifying<Given extends readonly unknown[]> = (...given: Given) => Promise<Principal>

/** The same identification within a span `identify`; tokens that are refused are counted by code. */
export function watchedIdentify<Given extends readonly unknown[]>(
  identify: Identifying<Given>,
  meter: Meter | undefined,
): Identifying<Given> {
  return (...given) =>
    inSpan('identify', async () => {
      try {
        return await identify(...given)
      } catch (thrown) {
        if (isFhirMcpError(thrown)) meter?.tokenRefused(thrown.code)
        throw thrown
      }
    })
}

/** The same cache; the span and the counts say whether it knew the token. A refusal that is kept is a hit too. */
export function watchedPrincipals(meter: Meter | undefined): (cache: PrincipalCache) => PrincipalCache {
  return (cache) => async (tokens, signal, load) => {
    let missed = false
    try {
      return await cache(tokens, signal, () => {
        missed = true
        return load()
      })
    } finally {
      noteOnSpan('fhir_mcp.cache', missed ? 'miss' : 'hit')
      meter?.cache('principals', missed ? 0 : 1, missed ? 1 : 0)
    }
  }
}
