import type { Target } from '../access/target.ts'

/** The id of the study that a call was decided on; a tool on a study has no other target. */
export function studyOf(target: Target): string {
  if (target.kind !== 'study') throw new TypeError('This tool is decided on a study')
  return target.study
}
