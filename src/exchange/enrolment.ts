import { z } from 'zod'
import type { Enrolment } from '../access/roster.ts'
import type { AccessOptions } from '../config/access.ts'
import { localReference } from '../fhir/reference.ts'
import type { FhirVersion, Identifier } from '../fhir/types.ts'
import { rejected } from './check.ts'
import { intervalOf } from './effective.ts'

const text = z.string().optional()
const concept = z.looseObject({ coding: z.array(z.looseObject({ code: text })).optional() })
const reference = z.looseObject({ reference: text }).optional()
const progress = z.looseObject({ subjectState: concept.optional(), startDate: text, endDate: text })
const rowSchema = z.looseObject({
  id: z.string(),
  status: text,
  study: reference,
  individual: reference,
  subject: reference,
  identifier: z.array(z.looseObject({ value: text })).optional(),
  period: z.looseObject({ start: text, end: text }).optional(),
  progress: z.array(progress).optional(),
})

/** What of a ResearchSubject says who is enrolled where. */
export type EnrolmentRow = z.output<typeof rowSchema>
type Progress = z.output<typeof progress>

/** Reads a ResearchSubject of R4 or R5. Throws EXCHANGE_REJECTED when an element is not of its type. */
export function enrolmentRow(resource: object): EnrolmentRow {
  const row = rowSchema.safeParse(resource)
  if (!row.success) throw rejected('A ResearchSubject of its answer is malformed.')
  return row.data
}

/**
 * The enrolment that a ResearchSubject records; undefined when its subject is not a patient of this server (R5 also
 * knows groups, specimens and devices), since no such patient can be asked for.
 *
 * R4: `status` decides, by the configured list. R5: `status` is only the publication state of the record, so it must be
 * `active`, and the current `progress.subjectState` must not be one of the configured ones; without any, the person is
 * enrolled.
 */
export function enrolmentOf(
  row: EnrolmentRow,
  version: FhirVersion,
  context: { readonly enrolled: AccessOptions['enrolled']; readonly baseUrl: string; readonly now: number },
): Enrolment | undefined {
  const named = version === 'R4' ? row.individual : row.subject
  const patient = localReference(named?.reference, context.baseUrl)
  if (patient?.type !== 'Patient') return undefined
  const { r4, r5NotEnrolled } = context.enrolled
  const standing =
    version === 'R4'
      ? { status: row.status ?? 'unknown', enrolled: r4.includes(row.status ?? '') }
      : standingR5(row, r5NotEnrolled, context.now)
  return {
    patient: patient.id,
    subject: row.id,
    codes: codesOf(row.identifier),
    ...standing,
    start: row.period?.start,
    end: row.period?.end,
  }
}

/** Participant codes: the values of identifiers. */
export function codesOf(identifiers: readonly Pick<Identifier, 'value'>[] | undefined): string[] {
  return (Array.isArray(identifiers) ? identifiers : [])
    .map((identifier) => identifier.value)
    .filter((value) => value !== undefined)
}

/**
 * The membership of a patient of a Group or organization, where the exchange itself says who belongs to it. Participant codes
 * are the patient's identifiers, or those that are given.
 */
export function membershipEnrolment(
  patient: { id: string; identifier?: readonly Pick<Identifier, 'value'>[] | undefined },
  codes = codesOf(patient.identifier),
): Enrolment {
  return {
    patient: patient.id,
    subject: undefined,
    codes,
    status: 'member',
    enrolled: true,
    start: undefined,
    end: undefined,
  }
}

function standingR5(row: EnrolmentRow, notEnrolled: readonly string[], now: number) {
  const published = row.status ?? 'unknown'
  const states = (row.progress ?? []).filter((step) => step.subjectState !== undefined)
  if (states.length === 0) return { status: published, enrolled: published === 'active' }
  const current = currentStates(states, now)
  const codes = current.map((step) => (step.subjectState?.coding ?? []).map((coding) => coding.code))
  // Whatever cannot be read as an enrolled state (no state now, a state without a code) is not one.
  const enrolled =
    published === 'active' &&
    codes.length > 0 &&
    codes.every((own) => own.some((code) => code !== undefined)) &&
    !codes.flat().some((code) => code !== undefined && notEnrolled.includes(code))
  return { status: codes.flat().find((code) => code !== undefined) ?? published, enrolled }
}

/**
 * The steps that hold now: begun, not ended, and of those the ones that began last (several that began together hold
 * together). A step without a start has been there from the beginning.
 */
function currentStates(states: readonly Progress[], now: number): readonly Progress[] {
  const begunAt = (step: Progress) =>
    step.startDate === undefined ? Number.NEGATIVE_INFINITY : (intervalOf(step.startDate)?.from ?? now)
  const holding = states.filter(
    (step) =>
      begunAt(step) <= now && (step.endDate === undefined || (intervalOf(step.endDate)?.to ?? now) >= now),
  )
  const latest = Math.max(...holding.map(begunAt))
  return holding.filter((step) => begunAt(step) === latest)
}
