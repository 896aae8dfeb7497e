import { type Checked, patientNamed, requireHonoured } from '../check.ts'
import { effectiveStart } from '../effective.ts'
import { type Bounds, hasCode } from '../honoured.ts'
import type { CodeBranch } from './filters.ts'

/**
 * Holds an observation against the code and bounds of its branch; a period counts by its start. Throws
 * NOT_SUPPORTED_BY_EXCHANGE when one was ignored or taken less exactly than it was asked.
 */
export function holdAgainstBranch(
  observation: Checked<'Observation'>,
  code: CodeBranch,
  bounds: Bounds,
): void {
  requireHonoured(code === undefined || hasCode(observation, code), 'code')
  const { from, before } = bounds
  if (from === undefined && before === undefined) return
  const start = effectiveStart(observation)
  requireHonoured(start !== undefined, 'date')
  if (start === undefined) return
  requireHonoured(from === undefined || start >= from, 'date')
  requireHonoured(before === undefined || start < before, 'date')
}

/** The patient of an observation. Throws EXCHANGE_LEAK when it cannot be told. */
export function subjectOf(observation: Checked<'Observation'>, baseUrl: string): string {
  return patientNamed(observation.subject?.reference, baseUrl)
}
