import { z } from 'zod'
import type { Roster } from '../access/roster.ts'
import { fhirMcpError } from '../errors.ts'
import type { Gap, PatientFilter, PatientList } from '../exchange/exchange.ts'
import type { Patient } from '../fhir/types.ts'
import { gapNotes } from '../results/gaps.ts'
import { openPosition, pageById, pagedCall } from '../results/keyset.ts'
import { oneLine } from '../results/line.ts'
import type { Note } from '../results/outcome.ts'
import { type PatientEntry, patientColumns, patientRow } from '../results/patients.ts'
import { isShownAs, quoted } from '../results/quoted.ts'
import type { StudyEnrolment } from '../results/research-subject.ts'
import { searchLink } from '../results/search-link.ts'
import { pageAnswer } from '../results/searchset.ts'
import { birthdate } from './arguments/birthdate.ts'
import { detail, format, fullIsIdentified, fullNeedsIdentified } from './arguments/format.ts'
import { studyId } from './arguments/ids.ts'
import { cursor, limit } from './arguments/paging.ts'
import { shortText } from './arguments/text.ts'
import { fhirVersionFor } from './fhir-version.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const text = shortText(100).optional()
const criteria = ['name', 'family', 'given', 'birthdate', 'identifier', 'participant_code'] as const

const input = z
  .strictObject({
    name: text.describe('Full name, or words of it, each by its beginning'),
    family: text,
    given: text,
    birthdate,
    identifier: shortText(200)
      .refine((value) => /^([^|]*\|)?[^|]+$/.test(value), { error: 'must be a value, or system|value' })
      .optional()
      .describe('value or system|value'),
    participant_code: text.describe('Exact code in a study'),
    study_id: studyId.optional(),
    detail,
    limit,
    cursor,
    format,
  })
  .refine((given) => criteria.some((name) => given[name] !== undefined), {
    error: `give at least one of ${criteria.join(', ')}; list_study_patients lists everybody of a study`,
  })
  .refine(fullIsIdentified, fullNeedsIdentified)

type Input = z.output<typeof input>

/** Finds patients within the caller's reach, or within one study of it. */
export const searchPatients = defineTool({
  name: 'search_patients',
  title: 'Search patients',
  description: 'Find patients by name, birth date, identifier or participant code; conditions add up.',
  input,
  output: 'fhir',
  rule: { needs: [{ types: ['Patient'] }], patients: true },
  subject: ({ study_id }) =>
    study_id === undefined ? { kind: 'reach' } : { kind: 'study', study: study_id },
  async run(input, context) {
    const call = pagedCall('search_patients', input, context)
    const after = await openPosition(call)
    const { patients, gaps } = await search(input, context)
    const page = pageById(call, patients, (patient) => patient.id ?? '', after)
    const entries = await withEnrolments(page.items, context)
    const { detail, format } = input
    const fhirVersion = await fhirVersionFor(entries, context)
    const view = { detail, format, fhirVersion, baseUrl: context.settings.baseUrl }
    return pageAnswer({
      asked: askedOf(input, context),
      self: selfOf(input),
      columns: patientColumns(detail),
      rows: entries.map((entry) => patientRow(entry, view)),
      total: gaps.length > 0 ? undefined : patients.length,
      notes: [...gapNotes(gaps), ...(await notesOf(input, { found: patients.length, gaps }, context))],
      limit: input.limit,
      most: page.most,
      cursorAfter: page.cursorAfter,
      format,
      byteBudget: context.byteBudget,
      asOf: new Date(context.now()).toISOString(),
    })
  },
})

const nobody =
  'Nobody within reach fits. Only enrolled patients of permitted studies, and patients of permitted organizations, are searched.'

/** Why nobody is there, and where participant codes could not be looked up. */
async function notesOf(
  { participant_code }: Input,
  { found, gaps }: { readonly found: number; readonly gaps: readonly Gap[] },
  context: GrantedContext,
): Promise<Note[]> {
  const { studies, unrestricted } = context.grant.terms
  const texts: string[] = []
  if (found === 0 && gaps.length === 0) {
    texts.push(
      participant_code === undefined
        ? nobody
        : studies.size === 0
          ? 'Participant codes were not looked up: this token reaches no roster of a study here. Give study_id.'
          : (await rostersOf(context)).some(({ roster }) => roster.hasCodes())
            ? nobody
            : 'Nobody was looked for: the studies here have no participant codes. For a record number or another identifier give identifier.',
    )
  }
  if (found > 0 && unrestricted) {
    texts.push('Participant codes and enrolments are given in a search of one study only: say study_id.')
  }
  return texts.map((text) => ({ severity: 'information', code: 'informational', text }))
}

async function search(input: Input, context: GrantedContext): Promise<PatientList> {
  const filter = filterOf(input)
  if (input.participant_code === undefined) return context.exchange.patients(context.grant, filter)
  const ids = await idsByCode(input.participant_code, context)
  return ids.length === 0 ? { patients: [], gaps: [] } : context.exchange.patients(context.grant, filter, ids)
}

function filterOf({ name, family, given, birthdate, identifier }: Input): PatientFilter {
  return {
    ...(name === undefined ? {} : { name }),
    ...(family === undefined ? {} : { family }),
    ...(given === undefined ? {} : { given }),
    ...(birthdate === undefined ? {} : { birthdate: [birthdate].flat() }),
    ...(identifier === undefined ? {} : { identifier }),
  }
}

/** The enrolled patients of a participant code. It is looked up in rosters: no request names it. */
async function idsByCode(code: string, context: GrantedContext): Promise<string[]> {
  if (context.grant.terms.unrestricted) {
    const detail = 'participant_code needs study_id with a token that sees every study.'
    throw fhirMcpError('INVALID_ARGUMENT', { detail })
  }
  const ids = new Set<string>()
  for (const { roster } of await rostersOf(context)) {
    for (const { patient, codes } of roster.withCode(oneLine(code, Number.POSITIVE_INFINITY))) {
      if (codes.some((one) => isShownAs(one, code)) && context.grant.standing(patient) === 'member')
        ids.add(patient)
    }
  }
  return [...ids]
}

async function withEnrolments(
  patients: readonly Patient[],
  context: GrantedContext,
): Promise<PatientEntry[]> {
  const rosters = patients.length === 0 ? [] : await rostersOf(context)
  return patients.map((patient) => {
    const id = patient.id ?? ''
    const enrolments = rosters.flatMap(({ study, roster }): StudyEnrolment[] =>
      roster.enrolments(id).map((enrolment) => ({ study, enrolment })),
    )
    return { id, patient, enrolments }
  })
}

/** The rosters of the studies of the grant; they were loaded for the decision. */
async function rostersOf({ grant, roster }: GrantedContext): Promise<{ study: string; roster: Roster }[]> {
  if (grant.terms.unrestricted) return []
  const found: { study: string; roster: Roster }[] = []
  for (const study of grant.terms.studies) {
    found.push({ study, roster: await roster({ kind: 'study', id: study }) })
  }
  return found
}

function askedOf(input: Input, { target }: GrantedContext): string {
  const where = target.kind === 'study' ? `study ${target.study}` : 'everything within reach'
  const given = criteria.flatMap((name) => {
    const value = input[name]
    return value === undefined ? [] : [`${name} ${quoted([value].flat().join(', '))}`]
  })
  return `Patients with ${given.join(', ')} in ${where}, detail ${input.detail}, by id`
}

function selfOf(input: Input): string {
  const pairs = criteria.flatMap((name) => [input[name] ?? []].flat().map((value) => [name, value] as const))
  const study = input.study_id === undefined ? [] : [['study_id', input.study_id] as const]
  return searchLink('Patient', [
    ...pairs,
    ...study,
    ['detail', input.detail],
    ['_count', String(input.limit)],
  ])
}
