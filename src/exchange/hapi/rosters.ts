import type { Grant } from '../../access/grant.ts'
import { type Enrolment, type Roster, rosterOf } from '../../access/roster.ts'
import { fhirMcpError } from '../../errors.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import { localReference } from '../../fhir/reference.ts'
import type { Asking } from '../asking.ts'
import { type Checked, leak, rosterTarget } from '../check.ts'
import { enrolmentOf, enrolmentRow, membershipEnrolment } from '../enrolment.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { readRows } from './rows.ts'

/**
 * The roster of the study (its ResearchSubjects) or organization (the patients that it manages) of a grant. Larger than
 * `limit`, by the total of the first page: incomplete and empty. For a study, `limit` counts enrolments.
 */
export async function rosterFor(asking: Asking, grant: Grant, limit: number): Promise<Roster> {
  const loadedAt = asking.now()
  const rows = await enrolmentsWhere(asking, grant, [], limit)
  return rosterOf(rows ?? [], rows !== undefined, loadedAt)
}

/** The enrolments of one patient in the study or organization of a grant. */
export async function enrolmentsOf(
  asking: Asking,
  grant: Grant,
  patient: string,
): Promise<readonly Enrolment[]> {
  if (!isFhirId(patient)) throw fhirMcpError('FORBIDDEN')
  const { kind } = rosterTarget(grant)
  const only: SearchPairs = [kind === 'study' ? ['patient', `Patient/${patient}`] : ['_id', patient]]
  const rows = (await enrolmentsWhere(asking, grant, only, Number.POSITIVE_INFINITY)) ?? []
  if (rows.some((row) => row.patient !== patient)) throw leak()
  return rows
}

async function enrolmentsWhere(
  asking: Asking,
  grant: Grant,
  only: SearchPairs,
  limit: number,
): Promise<Enrolment[] | undefined> {
  const target = rosterTarget(grant)
  return target.kind === 'study'
    ? subjectsOfStudy(asking, target.id, only, limit)
    : patientsOfOrganization(asking, target.id, only, limit)
}

async function subjectsOfStudy(
  asking: Asking,
  study: string,
  only: SearchPairs,
  limit: number,
): Promise<Enrolment[] | undefined> {
  const fhirVersion = await asking.version()
  const elements =
    fhirVersion === 'R4'
      ? 'identifier,study,individual,status,period'
      : 'identifier,study,subject,status,period,progress'
  const pairs = [['study', `ResearchStudy/${study}`], ...only, ['_elements', elements], ...whole] as const
  const { complete, rows } = await readRows(asking, 'ResearchSubject', pairs, { limit })
  if (!complete) return undefined
  const { baseUrl } = asking.client
  const context = { enrolled: asking.access.enrolled, baseUrl, now: asking.now() }
  const enrolments = rows.map((resource) => {
    const row = enrolmentRow(resource)
    const named = localReference(row.study?.reference, baseUrl)
    if (named?.type !== 'ResearchStudy' || named.id !== study) throw leak()
    return enrolmentOf(row, fhirVersion, context)
  })
  return enrolments.filter((enrolment) => enrolment !== undefined)
}

async function patientsOfOrganization(
  asking: Asking,
  organization: string,
  only: SearchPairs,
  limit: number,
): Promise<Enrolment[] | undefined> {
  const pairs = [
    ['organization', `Organization/${organization}`],
    ...only,
    ['_elements', 'id,identifier,managingOrganization'],
    ...whole,
  ] as const
  const { complete, rows } = await readRows(asking, 'Patient', pairs, { limit })
  if (!complete) return undefined
  return rows.map((patient) => {
    if (!isManagedBy(patient, organization, asking.client.baseUrl)) throw leak()
    return membershipEnrolment(patient)
  })
}

function isManagedBy(patient: Checked<'Patient'>, organization: string, baseUrl: string): boolean {
  const named = localReference(patient.managingOrganization?.reference, baseUrl)
  return named?.type === 'Organization' && named.id === organization
}

const whole: SearchPairs = [
  ['_count', '1000'],
  ['_total', 'accurate'],
  ['_pretty', 'false'],
]
