import type { ParametersParameter } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'

/**
 * What has to be said of observations that the exchange imported from other FHIR servers: how many of them are in the answer,
 * or that they are left out.
 */
export async function importNotes(
  { exchange, grant }: Pick<GrantedContext, 'exchange' | 'grant'>,
  imported: number,
): Promise<string[]> {
  if (imported > 0) {
    return [
      'What is imported, the exchange has from other FHIR servers; meta.source of an observation says from which.',
    ]
  }
  return (await exchange.imports(grant)) === 'left out' ? [leftOut] : []
}

/** How many observations were imported, as a parameter; none where none were. */
export function importParameters(imported: number): ParametersParameter[] {
  return imported === 0 ? [] : [{ name: 'imported', valueInteger: imported }]
}

const leftOut =
  'Observations that the exchange imported from other FHIR servers are left out: it does not narrow them to what a study requested.'

/** How many observations were read, in words. */
export function readText(read: number, imported: number): string {
  return imported === 0
    ? `${read} observations read`
    : `${read} observations read, of these ${imported} imported`
}
