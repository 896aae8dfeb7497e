import { rosterNeed } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import { clausesFor, type ScopeNeed } from '../access/scopes.ts'

/**
 * What of a study the caller's scopes let it read, where a tool gives both rosters and patients: a decision needs only one
 * of the two scopes, and narrows to the patient context only when both are.
 */
export interface ReadingScopes {
  /** Whether the roster may be read of everybody, not of the patient context alone. */
  readonly wholeRoster: boolean
  /** Whether the Patient resource of somebody may be read. */
  readonly patient: (id: string) => boolean
}

/** Scopes of a principal for rosters and patients. Scopes narrow, they never widen. */
export function readingScopes({ scopes, patient }: Principal): ReadingScopes {
  const clauses = (need: ScopeNeed) => clausesFor(scopes, need).filter((one) => one.categories === undefined)
  const patients = clauses({ types: ['Patient'] })
  const wide = patients.some((clause) => !clause.patientOnly)
  return {
    wholeRoster: clauses(rosterNeed).some((clause) => !clause.patientOnly),
    patient: (id) => wide || (patients.length > 0 && id === patient),
  }
}
