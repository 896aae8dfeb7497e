import { isFhirMcpError } from '../errors.ts'
import type { AnyResource } from '../fhir/types.ts'
import type { Capabilities, ExchangeCall } from './exchange.ts'
import type { FhirClient } from './fhir-client.ts'
import { namesServer, type ServerKind, searchesOf, serverKindOf } from './metadata.ts'
import type { SearchPairs } from './search-pairs.ts'

const server = ['CapabilityStatement.fhirVersion', 'CapabilityStatement.software']
const searches = [
  'CapabilityStatement.rest.mode',
  'CapabilityStatement.rest.resource.type',
  'CapabilityStatement.rest.resource.searchParam.name',
]
const identity: SearchPairs = [['_elements', server.join(',')]]
const parameters: SearchPairs = [['_elements', [...server, ...searches].join(',')]]
const summary: SearchPairs = [['_summary', 'true']]
const whole: SearchPairs = []

/**
 * Finds out which server this is: by the 400 bytes of `metadata` that say so, else by its summary. Throws
 * NOT_SUPPORTED_BY_EXCHANGE for a FHIR release other than R4 and R5, and what `metadata` throws.
 */
export async function detectDialect(client: FhirClient, call: ExchangeCall): Promise<ServerKind> {
  return serverKindOf(await firstThat(namesServer, [identity, summary], client, call))
}

/**
 * Reads what a server says that it can do. Search parameters come by name alone (HAPI: 7 KB instead of 4 MB, and its summary
 * has none); a server that does not know this form is asked for the whole of `metadata`. `now` is in milliseconds since the
 * epoch. Throws as `detectDialect` does.
 */
export async function readCapabilities(
  client: FhirClient,
  call: ExchangeCall,
  now: () => number,
): Promise<Capabilities> {
  const asOf = new Date(now()).toISOString()
  const listsSearches = (statement: AnyResource) => Object.keys(searchesOf(statement)).length > 0
  const statement = await firstThat(listsSearches, [parameters, whole], client, call)
  return { ...serverKindOf(statement), searches: searchesOf(statement), asOf }
}

/** The first of these forms of `metadata` that serves, else the last one; a form that is rejected does not serve. */
async function firstThat(
  serves: (statement: AnyResource) => boolean,
  [form, ...others]: readonly [SearchPairs, ...SearchPairs[]],
  client: FhirClient,
  call: ExchangeCall,
): Promise<AnyResource> {
  const [next, ...rest] = others
  if (next === undefined) return client.metadata(call, form)
  try {
    const statement = await client.metadata(call, form)
    if (serves(statement)) return statement
  } catch (thrown) {
    if (!isFhirMcpError(thrown, 'EXCHANGE_REJECTED')) throw thrown
  }
  return firstThat(serves, [next, ...rest], client, call)
}
