import { permissionsClaim } from '../../src/test-kit/permissions-claim.ts'

/** What a principal may see, worked out by hand from the cohort: enrolled in the study, and neither withdrawn nor in screening. */
export const rosters: Readonly<Record<string, readonly string[]>> = {
  'study-a': ['pat-1', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6', 'pat-16'],
  'study-b': ['pat-4', 'pat-5', 'pat-6', 'pat-7', 'pat-8', 'pat-9', 'pat-15'],
  'study-c': ['pat-10', 'pat-11', 'pat-12', 'pat-13'],
}

export const patients: readonly string[] = Array.from({ length: 16 }, (_, index) => `pat-${index + 1}`)

const permitted = [['study-a'], ['study-b'], ['study-c'], ['study-a', 'study-c'], []] as const

/** The studies of the client with this number in this turn: they change from token to token. */
export function studiesOf(client: number, turn: number): readonly string[] {
  return permitted[(client + turn) % permitted.length] ?? []
}

export const claimsOf = (studies: readonly string[]) => permissionsClaim({ studies: [...studies] })

/** The patients in reach of these studies. */
export function reachOf(studies: readonly string[]): ReadonlySet<string> {
  return new Set(studies.flatMap((study) => rosters[study] ?? []))
}
