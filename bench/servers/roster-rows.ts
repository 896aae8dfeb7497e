import { type Enrolment, type Roster, rosterOf } from '../../src/access/roster.ts'
import type { RosterKey } from '../../src/access/target.ts'

/** Room for every roster of the bench. */
export const storeSize = { seconds: 3600, limit: 5000, size: 1_000_000 }

/** How a server makes its ids: numbers, as HAPI and JupyterHealth do by themselves, or UUIDs. */
export type IdKind = 'number' | 'uuid'

/** Many studies. */
export function manyKeys(studies: number): RosterKey[] {
  return Array.from({ length: studies }, (_, index) => ({ kind: 'study', id: `study-${index}` }))
}

/** The id of the patient with this number in a study; nobody is in two of them. */
export function memberOf({ id }: RosterKey, number: number, kind: IdKind): string {
  return idOf(1_000_000 + Number(id.replace('study-', '')) * 1000 + number, kind)
}

function idOf(number: number, kind: IdKind): string {
  if (kind === 'number') return String(number)
  const scattered = ((number * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')
  return `${scattered}-5c1f-4b8e-9d57-${number.toString(16).padStart(12, '0')}`
}

/** The ids of all of them; texts that come from JSON and are shared with nothing. */
export function memberIds(key: RosterKey, size: number, kind: IdKind): string[] {
  const ids = Array.from({ length: size }, (_, number) => memberOf(key, number, kind))
  return JSON.parse(JSON.stringify(ids)) as string[]
}

/** The roster of a study, as an exchange gives it. */
export function memberRoster(key: RosterKey, size: number, kind: IdKind): Roster {
  const patients = memberIds(key, size, kind)
  const subjects = memberIds(key, size, kind)
  const enrolments = patients.map(
    (patient, number): Enrolment => ({
      patient,
      subject: subjects[number],
      codes: [`S${number}`],
      status: 'on-study',
      enrolled: true,
      start: undefined,
      end: undefined,
    }),
  )
  return rosterOf(enrolments, true, 0)
}
