import { createHash } from 'node:crypto'
import { z } from 'zod'
import { fhirMcpError } from '../../errors.ts'
import { compareIds } from '../../results/keyset.ts'
import { seriesPositionSchema } from './left-out.ts'

/**
 * Where a study is gone on with. It holds no numbers: percentiles of parts cannot be put together, and a cursor that carried
 * every value would be too long for an assistant to copy.
 */
const positionSchema = z.strictObject({
  /** The last patient of the parts before, and who was enrolled up to there, as a digest; none: from the first patient on. */
  patients: z.strictObject({ after: z.string(), enrolled: z.string() }).optional(),
  /** Where the series of these patients go on, all of whom fit into a call; none: from the first one on. */
  series: seriesPositionSchema.optional(),
})
export type StudyPosition = z.output<typeof positionSchema>

/** The patients of a study, by id, cut where a call goes on. */
export interface StudyCut {
  readonly earlier: readonly string[]
  readonly left: readonly string[]
  /** Whether those enrolled up to there are still the same. */
  readonly isSame: boolean
}

/** Where the call after this patient goes on; `all` is sorted by id. */
export function positionAfter(all: readonly string[], patient: string): StudyPosition {
  const enrolled = digestOf(all.filter((one) => compareIds(one, patient) <= 0))
  return { patients: { after: patient, enrolled } }
}

/** Reads what a cursor held. Throws INVALID_ARGUMENT for anything else. */
export function parsePosition(opened: unknown): StudyPosition {
  const parsed = positionSchema.safeParse(opened)
  if (parsed.success) return parsed.data
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}

/** Cuts the patients of a study at a position; without one, all are left. */
export function cutAt(all: readonly string[], position: StudyPosition['patients']): StudyCut {
  if (position === undefined) return { earlier: [], left: all, isSame: true }
  const isEarlier = (patient: string) => compareIds(patient, position.after) <= 0
  const earlier = all.filter(isEarlier)
  return {
    earlier,
    left: all.filter((patient) => !isEarlier(patient)),
    isSame: digestOf(earlier) === position.enrolled,
  }
}

function digestOf(patients: readonly string[]): string {
  return createHash('sha256').update(patients.join('\n')).digest('base64url').slice(0, 22)
}
