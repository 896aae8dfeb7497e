/** One enrolment of a patient in a study: a ResearchSubject, or membership of a Group or organization. */
export interface Enrolment {
  readonly patient: string
  /** Id of the ResearchSubject, where the exchange has one. */
  readonly subject: string | undefined
  /** Participant codes: the identifiers of the ResearchSubject (or of the Patient where there is none). */
  readonly codes: readonly string[]
  /** Status as the exchange words it (R4 `status`, R5 `progress.subjectState`, `member`). */
  readonly status: string
  /** Whether that status counts as enrolled, by configuration. */
  readonly enrolled: boolean
  readonly start: string | undefined
  readonly end: string | undefined
}

/**
 * Who belongs to a study or organization, as the exchange said at `loadedAt`. A patient may have several enrolments
 * (left and came back) and is enrolled when one of them is. Not `complete`: larger than `rosterLimit`; only the
 * patients that were asked for one by one are in it.
 */
export interface Roster {
  readonly complete: boolean
  /** The exchange itself refused it, or does not have it (any more): nobody is reached through it. */
  readonly refused?: boolean
  readonly loadedAt: number
  readonly enrolments: ReadonlyMap<string, readonly Enrolment[]>
}

/** `enrolled`, a `known` member with another status, a `stranger`, or `unasked` where the roster is not complete. */
export type Membership = 'enrolled' | 'known' | 'stranger' | 'unasked'

/** What a roster says of a patient. */
export function membershipOf(roster: Roster, patient: string): Membership {
  const enrolments = roster.enrolments.get(patient)
  if (enrolments === undefined) return roster.complete ? 'stranger' : 'unasked'
  if (enrolments.length === 0) return 'stranger'
  return enrolments.some((enrolment) => enrolment.enrolled) ? 'enrolled' : 'known'
}

/** Puts the rows of the exchange together by patient. */
export function rosterOf(rows: readonly Enrolment[], complete: boolean, loadedAt: number): Roster {
  const enrolments = new Map<string, Enrolment[]>()
  for (const row of rows) {
    const known = enrolments.get(row.patient)
    if (known === undefined) enrolments.set(row.patient, [row])
    else known.push(row)
  }
  return { complete, loadedAt, enrolments }
}

/** The patients of a roster that are enrolled. */
export function* enrolledIn(roster: Roster): Generator<string> {
  for (const [patient, enrolments] of roster.enrolments) {
    if (enrolments.some((enrolment) => enrolment.enrolled)) yield patient
  }
}
