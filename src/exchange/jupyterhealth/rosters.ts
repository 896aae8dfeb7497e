import type { Grant } from '../../access/grant.ts'
import { type Enrolment, type Roster, rosterOf } from '../../access/roster.ts'
import type { Asking } from '../asking.ts'
import { type Checked, leak, rosterTarget } from '../check.ts'
import { codesOf, membershipEnrolment } from '../enrolment.ts'
import { exchangeId } from './ids.ts'
import { readRows } from './rows.ts'
import { memberOf } from './within.ts'

/** The roster of the study or organization of a grant: the patients that the exchange gives for it. */
export async function rosterFor(asking: Asking, grant: Grant, limit: number): Promise<Roster> {
  const loadedAt = asking.now()
  const { complete, rows } = await readRows(asking, 'Patient', [memberOf(rosterTarget(grant))], { limit })
  return rosterOf(
    rows.map((row) => memberOfRoster(asking, row)),
    complete,
    loadedAt,
  )
}

/** The membership of one patient in the study or organization of a grant. */
export async function enrolmentsOf(
  asking: Asking,
  grant: Grant,
  patient: string,
): Promise<readonly Enrolment[]> {
  const within = memberOf(rosterTarget(grant))
  const { rows } = await readRows(asking, 'Patient', [within, ['_id', exchangeId(patient)]])
  if (rows.some((row) => row.id !== patient)) throw leak()
  return rows.map((row) => memberOfRoster(asking, row))
}

/** A patient's identifiers here are record numbers and the like: a participant code is one of the system that is configured. */
function memberOfRoster({ access }: Asking, patient: Checked<'Patient'>): Enrolment {
  const { participantCodeSystem: system } = access
  const identifiers = Array.isArray(patient.identifier) ? patient.identifier : []
  const codes = identifiers.filter((one) => system !== undefined && one.system === system)
  return membershipEnrolment(patient, codesOf(codes))
}
