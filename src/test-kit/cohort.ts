import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AnyResource } from '../fhir/types.ts'

const types = ['Organization', 'ResearchStudy', 'Patient', 'ResearchSubject', 'Observation'] as const

/**
 * The synthetic cohort of this package, as FHIR R4 resources: 2 organizations, 3 studies, 16 invented patients,
 * 21 enrolments, 1,206 observations. pat-13 withdrew from study A, pat-14 is in screening for it, pat-15 left study B
 * and came back, pat-16 was merged into pat-4, pat-1 and pat-15 share a name; pat-5 has an entered-in-error, a `<`, a
 * mmol/L, an undated, an absent and an interval observation. Every call makes new objects: change them as you like.
 *
 * @example
 * const patients = syntheticCohort().filter((resource) => resource.resourceType === 'Patient')
 */
export function syntheticCohort(): AnyResource[] {
  const folder = cohortFolder()
  return types.flatMap((type) =>
    readFileSync(`${folder}/${type}.ndjson`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AnyResource),
  )
}

/** Sources lie two folders below the package, the build three. */
function cohortFolder(): string {
  const [source = '', build = ''] = ['../../fixtures/cohort', '../../../fixtures/cohort'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  return existsSync(source) ? source : build
}
