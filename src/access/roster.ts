import { enrolmentIn, fieldOf, lineOf, textOf } from './enrolment-line.ts'

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

/** `enrolled`, a `known` member with another status, a `stranger`, or `unasked` where the roster is not complete. */
export type Membership = 'enrolled' | 'known' | 'stranger' | 'unasked'

/** What a roster is made of. */
export interface RosterParts {
  readonly rows: readonly Enrolment[]
  readonly complete: boolean
  readonly refused?: boolean
  /** The one patient that was asked for, of a roster that is not complete. */
  readonly asked?: string
  /** Milliseconds since the epoch. */
  readonly loadedAt: number
}

/**
 * Who belongs to a study or organization, as the exchange said at `loadedAt`. A patient may have several enrolments
 * (left and came back) and is enrolled when one of them is.
 *
 * Kept as one text, a line for each enrolment, sorted by patient: it costs little more than its letters (about 40 bytes for an
 * enrolment with ids of 9 and a date, where a Map of objects costs 350), a patient is found by halving it (1 µs among 500), and
 * a line is taken apart only when a list or a participant code needs it.
 */
export class Roster {
  /** Not complete: larger than `rosterLimit`; only the patient that was asked for is in it. */
  readonly complete: boolean
  /** The exchange itself refused it, or does not have it (any more): nobody is reached through it. */
  readonly refused: boolean
  readonly loadedAt: number
  /** How many patients it has. */
  readonly size: number
  /** How many letters it is kept in. */
  readonly length: number
  readonly #asked: string | undefined
  readonly #statuses: readonly string[]
  readonly #lines: string

  constructor({ rows, complete, refused = false, asked, loadedAt }: RosterParts) {
    this.complete = complete
    this.refused = refused
    this.loadedAt = loadedAt
    this.#asked = asked
    const sorted = rows
      .map((row) => ({ row, field: fieldOf(row.patient) }))
      .sort((a, b) => (a.field < b.field ? -1 : Number(a.field > b.field)))
    this.size = sorted.filter(({ field }, n) => field !== sorted[n - 1]?.field).length
    this.#statuses = [...new Set(rows.map(({ status }) => status))]
    this.#lines = sorted.map(({ row }) => lineOf(row, this.#statuses.indexOf(row.status))).join('')
    this.length = this.#lines.length
  }

  /** What it says of a patient. `near` is where it was seen in `patients`, and saves the search where it is right. */
  membership(patient: string, near?: number): Membership {
    const field = fieldOf(patient)
    let at = this.#find(field, near)
    if (at === undefined) return this.complete || patient === this.#asked ? 'stranger' : 'unasked'
    do {
      if (this.#isEnrolled(field, at)) return 'enrolled'
      at = this.#next(at)
    } while (this.#isOf(field, at))
    return 'known'
  }

  /** The enrolments of a patient, in the order of the exchange. */
  enrolments(patient: string): Enrolment[] {
    const field = fieldOf(patient)
    const found: Enrolment[] = []
    for (let at = this.#search(field); this.#isOf(field, at); at = this.#next(at)) found.push(this.#read(at))
    return found
  }

  /** Every patient once, sorted by id, whether it is enrolled, and where it stands. */
  *patients(): Generator<{ readonly patient: string; readonly enrolled: boolean; readonly at: number }> {
    for (let first = 0, at = 0; at < this.#lines.length; first = at) {
      const field = this.#lines.slice(at, this.#lines.indexOf('\t', at))
      let enrolled = false
      for (; this.#isOf(field, at); at = this.#next(at)) enrolled ||= this.#isEnrolled(field, at)
      yield { patient: textOf(field), enrolled, at: first }
    }
  }

  /** Whether anybody has a participant code. */
  hasCodes(): boolean {
    return this.withCode('').next().done !== true
  }

  /**
   * The enrolments with a participant code that has this text in it, and those with a code of more than letters, digits and
   * simple signs: answers may show such a code as another text than it is.
   */
  *withCode(text: string): Generator<Enrolment> {
    for (let at = 0; at < this.#lines.length; at = this.#next(at)) {
      const line = this.#lines.slice(at, this.#next(at))
      // Most lines need not be taken apart: what is not quoted stands in them as it is.
      if (!line.includes(text) && !unusual.test(line)) continue
      const enrolment = this.#read(at)
      if (enrolment.codes.some((code) => code.includes(text) || unusual.test(code))) yield enrolment
    }
  }

  /** Where the first line of a patient begins. */
  #find(field: string, near: number | undefined): number | undefined {
    if (near !== undefined && this.#isFirst(field, near)) return near
    const at = this.#search(field)
    return this.#isOf(field, at) ? at : undefined
  }

  /** Where the first line begins that is not of a patient before this one. */
  #search(field: string): number {
    const lines = this.#lines
    let from = 0
    let to = lines.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const begin = lines.lastIndexOf('\n', middle - 1) + 1
      if (lines.slice(begin, lines.indexOf('\t', begin)) < field) from = this.#next(middle)
      else to = begin
    }
    return from
  }

  #isFirst(field: string, at: number): boolean {
    return (at === 0 || this.#lines.charCodeAt(at - 1) === lineEnd) && this.#isOf(field, at)
  }

  #isOf(field: string, at: number): boolean {
    return this.#lines.startsWith(field, at) && this.#lines.charCodeAt(at + field.length) === tab
  }

  #isEnrolled(field: string, at: number): boolean {
    return this.#lines.charCodeAt(at + field.length + 1) === plus
  }

  #next(at: number): number {
    return this.#lines.indexOf('\n', at) + 1
  }

  #read(at: number): Enrolment {
    return enrolmentIn(this.#lines.slice(at, this.#next(at) - 1), this.#statuses)
  }
}

/** Anything in a line or a code beside letters, digits and simple signs. */
const unusual = /[^A-Za-z0-9._:|+\t\n-]/

const [tab, lineEnd, plus] = [9, 10, 43]

/** A roster that the exchange refuses. */
export function refusedRoster(): Roster {
  return new Roster({ rows: [], complete: true, refused: true, loadedAt: 0 })
}

/** Puts the rows of the exchange together by patient. */
export function rosterOf(rows: readonly Enrolment[], complete: boolean, loadedAt: number): Roster {
  return new Roster({ rows, complete, loadedAt })
}
