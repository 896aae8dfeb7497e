import { isFhirMcpError } from '../../errors.ts'
import { isImported } from '../../fhir/imported.ts'
import type { Observation } from '../../fhir/types.ts'
import { idsOfRelated, type KnownObservations } from '../../results/members.ts'
import type { GrantedContext } from '../tool.ts'

const optional = ['EXCHANGE_TIMEOUT', 'EXCHANGE_UNAVAILABLE', 'NOT_SUPPORTED_BY_EXCHANGE'] as const

/**
 * The observations that those of a page refer to, as far as they are within the grant: those on the page itself, and the others
 * by one request. Its failure is no failure of the page, whose readings are known already.
 */
export async function relatedTo(
  rows: readonly Observation[],
  { exchange, grant, settings }: Pick<GrantedContext, 'exchange' | 'grant' | 'settings'>,
): Promise<KnownObservations> {
  const known = new Map(rows.map((row) => [row.id ?? '', row] as const))
  const missing = new Set(rows.flatMap((row) => idsOfRelated(row, settings.baseUrl)))
  for (const id of known.keys()) missing.delete(id)
  if (missing.size === 0) return known
  try {
    for (const row of await exchange.observationNames(grant, [...missing])) known.set(row.id ?? '', row)
  } catch (thrown) {
    if (!optional.some((kind) => isFhirMcpError(thrown, kind))) throw thrown
  }
  return known
}

/** What has to be said of imported observations that refer to others which cannot be told. */
export function unrelatedNotes(
  rows: readonly Observation[],
  known: KnownObservations,
  baseUrl: string,
): string[] {
  const ids = rows.filter(isImported).flatMap((row) => idsOfRelated(row, baseUrl))
  if (ids.every((id) => known.has(id))) return []
  return [
    'Some imported observations refer to others (members of a panel) by ids of the other server, which the exchange keeps as they are: which observations these are cannot be told here.',
  ]
}
