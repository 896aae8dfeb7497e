import type { Roster } from '../access/roster.ts'
import type { RosterKey, Target } from '../access/target.ts'
import { fhirMcpError } from '../errors.ts'
import { idOf, isFhirId } from '../fhir/grammar.ts'
import type { ResearchStudy } from '../fhir/types.ts'
import { oneLine } from '../results/line.ts'
import { allQuoted, isShownAs, quoted } from '../results/quoted.ts'
import type { Subject } from '../tools/tool.ts'
import { patientHint } from './patient-hint.ts'

/** What resolving may ask, each question decided before it is asked. */
export interface Directory {
  /** The studies within the caller's reach. Throws FORBIDDEN, without a request, where there are none. */
  studies(): Promise<readonly ResearchStudy[]>
  /** A roster, whole, by a decision on it. Throws FORBIDDEN, without a request, where it is not permitted. */
  roster(key: RosterKey): Promise<Roster>
}

const studyTypes = ['ResearchStudy', 'Group']
const named = /^(title|identifier)=(.+)$/s

/**
 * Turns what the caller wrote into ids. An id (or `Patient/…`, `ResearchStudy/…`) is taken as it is, without a question to
 * the exchange. A study may also be named by its exact title or identifier: anything that is no FHIR id, or after
 * `title=` or `identifier=`. A patient may be named by a participant code where a study is given.
 * Throws INVALID_ARGUMENT, AMBIGUOUS (choices within reach), FORBIDDEN.
 */
export async function resolve(subject: Subject, directory: Directory): Promise<Target> {
  switch (subject.kind) {
    case 'reach':
      return subject
    case 'study':
      return { kind: 'study', study: await resolveStudy(subject.study, directory) }
    case 'organization':
      return {
        kind: 'organization',
        organization: idOf(subject.organization, ['Organization'], 'organization_id'),
      }
    case 'patient': {
      if (subject.study === undefined) return { kind: 'patient', patient: patientIdOf(subject.patient) }
      const study = await resolveStudy(subject.study, directory)
      return { kind: 'patient', patient: await patientOfStudy(subject.patient, study, directory), study }
    }
  }
}

async function resolveStudy(text: string, directory: Directory): Promise<string> {
  if (isFhirId(text)) return text
  const [type, id, ...rest] = text.split('/')
  if (type !== undefined && studyTypes.includes(type) && id !== undefined && rest.length === 0) {
    return idOf(text, studyTypes, 'study_id')
  }
  const wanted = named.exec(text)
  const by = wanted?.[1]
  const value = (wanted?.[2] ?? text).trim()
  const found = (await directory.studies()).filter(
    (study) =>
      (by !== 'identifier' && hasTitle(study, value)) || (by !== 'title' && hasIdentifier(study, value)),
  )
  const [only, ...others] = found
  if (only?.id === undefined) throw fhirMcpError('FORBIDDEN')
  if (others.length > 0) {
    const choices = found.map((study) => ({
      id: study.id ?? '',
      label: study.title === undefined ? 'without a title' : quoted(study.title),
    }))
    throw fhirMcpError('AMBIGUOUS', { detail: 'Give study_id as one of these ids.', choices })
  }
  return only.id
}

function hasTitle(study: ResearchStudy, title: string): boolean {
  return study.title !== undefined && isShownAs(study.title.toLowerCase(), title.toLowerCase())
}

function hasIdentifier(study: ResearchStudy, identifier: string): boolean {
  return (study.identifier ?? []).some(
    ({ system, value }) =>
      value !== undefined && [value, `${system ?? ''}|${value}`].some((one) => isShownAs(one, identifier)),
  )
}

function patientIdOf(text: string): string {
  if (isFhirId(text) || text.startsWith('Patient/')) return idOf(text, ['Patient'], 'patient_id')
  throw fhirMcpError('INVALID_ARGUMENT', { detail: `This is no FHIR id: ${patientHint}` })
}

async function patientOfStudy(text: string, study: string, directory: Directory): Promise<string> {
  const roster = await directory.roster({ kind: 'study', id: study })
  const fitting = new Set(byCode(roster, text))
  const id = text.startsWith('Patient/') ? idOf(text, ['Patient'], 'patient_id') : text
  if (roster.enrolments(id).length > 0) fitting.add(id)
  const [only, ...others] = fitting
  if (only === undefined) throw fhirMcpError('FORBIDDEN')
  if (others.length > 0) {
    const choices = [...fitting].map((patient) => ({
      id: `Patient/${patient}`,
      label: codesOf(roster, patient),
    }))
    throw fhirMcpError('AMBIGUOUS', { detail: 'Give patient_id as one of these, with its type.', choices })
  }
  return only
}

function* byCode(roster: Roster, code: string): Generator<string> {
  for (const { patient, codes } of roster.withCode(oneLine(code, Number.POSITIVE_INFINITY))) {
    const values = codes.flatMap((one) => [one, one.slice(one.lastIndexOf('|') + 1)])
    if (codes.some((one) => one.endsWith(`|${code}`)) || values.some((one) => isShownAs(one, code)))
      yield patient
  }
}

function codesOf(roster: Roster, patient: string): string {
  const codes = roster.enrolments(patient).flatMap((enrolment) => enrolment.codes)
  return codes.length > 0 ? `participant code ${allQuoted(codes, 64)}` : 'without a participant code'
}
