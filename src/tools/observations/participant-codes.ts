import type { Roster } from '../../access/roster.ts'

/** Participant codes of a study, by patient id. */
export type CodesOf = (patient: string) => readonly string[]

/** The participant codes that a roster has, each once. */
export function codesIn(roster: Roster): CodesOf {
  return (patient) => {
    const codes = roster.enrolments(patient).flatMap((enrolment) => enrolment.codes)
    return [...new Set(codes)]
  }
}
