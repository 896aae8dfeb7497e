import type { Enrolment } from '../access/roster.ts'
import { markSubsetted } from '../fhir/subsetted.ts'
import type { AnyResource, FhirVersion } from '../fhir/types.ts'

/** An enrolment and the study that it is in. */
export interface StudyEnrolment {
  readonly study: string
  readonly enrolment: Enrolment
}

/** PublicationStatus: what `ResearchSubject.status` means in R5. */
const publication = new Set(['draft', 'active', 'retired', 'unknown'])
const states = 'http://terminology.hl7.org/CodeSystem/research-subject-state'

/**
 * The ResearchSubject of an enrolment, of what the exchange said in the roster and nothing else; undefined where the
 * exchange keeps none (a Group's members). R4: `individual`, `status`. R5: `subject`, the person's state in `progress`.
 */
export function researchSubjectOf(
  { study, enrolment }: StudyEnrolment,
  patient: string,
  version: FhirVersion,
): AnyResource | undefined {
  const { subject, codes, start, end } = enrolment
  if (subject === undefined) return undefined
  const person = { reference: `Patient/${patient}` }
  const period = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
  return markSubsetted({
    resourceType: 'ResearchSubject',
    id: subject,
    ...(codes.length > 0 ? { identifier: codes.map((value) => ({ value })) } : {}),
    ...(version === 'R4' ? { status: enrolment.status } : r5Status(enrolment)),
    ...(start === undefined && end === undefined ? {} : { period }),
    study: { reference: `ResearchStudy/${study}` },
    ...(version === 'R4' ? { individual: person } : { subject: person }),
  })
}

/** Enrolled means that the record is active; of any other the roster does not say, and `unknown` is the code for that. */
function r5Status({ status, enrolled }: Enrolment): Record<string, unknown> {
  if (publication.has(status)) return { status }
  const progress = [{ subjectState: { coding: [{ system: states, code: status }] } }]
  return { status: enrolled ? 'active' : 'unknown', progress }
}
