import { fhirMcpError } from '../errors.ts'
import type { Capabilities } from './exchange.ts'
import type { FhirClient } from './fhir-client.ts'
import type { SearchPairs } from './search-pairs.ts'

/**
 * The same client, which sends no search parameter that the exchange is known not to have. While nothing is known
 * (`searches` gives undefined, or does not list the type), everything is sent. Parameters that begin with `_` are for all
 * types and are not listed by type. Throws NOT_SUPPORTED_BY_EXCHANGE.
 */
export function preflighted(
  client: FhirClient,
  searches: () => Capabilities['searches'] | undefined,
): FhirClient {
  return {
    baseUrl: client.baseUrl,
    read: (...given) => client.read(...given),
    metadata: (...given) => client.metadata(...given),
    nextLink: (bundle) => client.nextLink(bundle),
    page: (...given) => client.page(...given),
    close: () => client.close(),
    async search(call, type, pairs, shape) {
      holdAgainst(searches()?.[type], pairs)
      return client.search(call, type, pairs, shape)
    },
  }
}

function holdAgainst(listed: readonly string[] | undefined, pairs: SearchPairs): void {
  for (const [name] of pairs) {
    const [base = ''] = name.split(':')
    if (listed === undefined || name.startsWith('_') || listed.includes(name) || listed.includes(base))
      continue
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: `The exchange has no search by "${name}".` })
  }
}
