import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import type { Gap, ObservationCount, ObservationFilter, ObservationPosition } from '../exchange.ts'
import { readTwice } from '../read-twice.ts'
import { requireWhole } from '../whole.ts'
import { observationsOf } from './observations.ts'

const pageSize = 1000
/** The most observations of a patient that are read to count them. */
const mostRows = 20_000
const notCounted: readonly (string | undefined)[] = ['entered-in-error', 'cancelled']

/**
 * How many observations of a patient the server shows, where it takes rows out of its answers and so counts others: each one
 * was read. Throws NOT_SUPPORTED_BY_EXCHANGE where that would be too many.
 */
export async function countShown(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const { count, excluded, gaps } = await readTwice(() => readToCount(asking, grant, patient, filter))
  // That rows are taken out is known; that the answer is incomplete in another way is not to be counted over.
  requireWhole({ gaps: gaps.filter((gap) => gap !== 'fewer') })
  return { count, excluded, shownOnly: true }
}

async function readToCount(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount & { readonly gaps: readonly Gap[] }> {
  const statuses = new Map<string, boolean>()
  const gaps = new Set<Gap>()
  let position: ObservationPosition | undefined
  do {
    const page = await observationsOf(asking, grant, patient, {
      ...filter,
      order: 'newest',
      count: pageSize,
      ...(position === undefined ? {} : { position }),
    })
    for (const { id = '', status } of page.observations) statuses.set(id, !notCounted.includes(status))
    for (const gap of page.gaps) gaps.add(gap)
    position = page.positionAfter(page.observations.length)
    if (statuses.size > mostRows) throw tooMany()
  } while (position !== undefined)
  const count = [...statuses.values()].filter((counts) => counts).length
  return { count, excluded: statuses.size - count, gaps: [...gaps] }
}

function tooMany() {
  return fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
    detail: `The exchange takes rows out of its answers after it has counted them, so they are counted here, ${mostRows} of a patient at most: ask for a shorter period or one data_type.`,
  })
}
