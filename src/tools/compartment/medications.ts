import { clausesFor } from '../../access/scopes.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { CompartmentType } from '../../fhir/compartment.ts'
import { isImported } from '../../fhir/imported.ts'
import { markSubsetted } from '../../fhir/subsetted.ts'
import type { AnyResource } from '../../fhir/types.ts'
import { idsOfUnnamed, type KnownMedications } from '../../results/medications.ts'
import type { Note } from '../../results/outcome.ts'
import type { GrantedContext } from '../tool.ts'

const optional = [
  'EXCHANGE_TIMEOUT',
  'EXCHANGE_UNAVAILABLE',
  'NOT_SUPPORTED_BY_EXCHANGE',
  'FORBIDDEN',
] as const

/**
 * The medications that records refer to without a name, by one request; none where the scopes do not cover Medication. Its failure
 * is no failure of the records.
 */
export async function medicationsFor(
  resources: readonly AnyResource[],
  type: CompartmentType,
  context: Pick<GrantedContext, 'exchange' | 'grant' | 'principal' | 'settings'>,
): Promise<KnownMedications> {
  const { exchange, grant, principal, settings } = context
  const ids = new Set(resources.flatMap((one) => idsOfUnnamed(one, type, settings.baseUrl)))
  if (ids.size === 0 || clausesFor(principal.scopes, { types: ['Medication'] }).length === 0) return new Map()
  try {
    const found = await exchange.medications(grant, [...ids])
    return new Map(found.map((one) => [one.id ?? '', markSubsetted(one)] as const))
  } catch (thrown) {
    if (!optional.some((kind) => isFhirMcpError(thrown, kind))) throw thrown
    return new Map()
  }
}

/** What has to be said of imported records whose medication cannot be told. */
export function unnamedNotes(
  resources: readonly AnyResource[],
  type: CompartmentType,
  known: KnownMedications,
  baseUrl: string,
): Note[] {
  const ids = resources.filter(isImported).flatMap((one) => idsOfUnnamed(one, type, baseUrl))
  if (ids.every((id) => known.has(id))) return []
  const text =
    'Some of these name their medication by a reference alone, which the exchange keeps with an id of the other server: which one it is cannot be told here.'
  return [{ severity: 'warning', code: 'incomplete', text }]
}
