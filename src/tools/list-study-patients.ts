import { z } from 'zod'
import { rosterNeed } from '../access/narrowing.ts'
import type { Roster } from '../access/roster.ts'
import type { Gap } from '../exchange/exchange.ts'
import { gapNotes } from '../results/gaps.ts'
import { openPosition, pageById, pagedCall } from '../results/keyset.ts'
import { someOf } from '../results/line.ts'
import type { Note } from '../results/outcome.ts'
import { type PatientEntry, patientColumns, patientRow } from '../results/patients.ts'
import { searchLink } from '../results/search-link.ts'
import { pageAnswer } from '../results/searchset.ts'
import { detail, format, fullIsIdentified, fullNeedsIdentified } from './arguments/format.ts'
import { studyId } from './arguments/ids.ts'
import { cursor, limit } from './arguments/paging.ts'
import { fhirVersionFor } from './fhir-version.ts'
import { readingScopes } from './reading-scopes.ts'
import { studyOf } from './target-study.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const enrolment = z
  .enum(['enrolled', 'withdrawn', 'all'])
  .default('enrolled')
  .describe('withdrawn: members not (any more) enrolled')

const input = z
  .strictObject({ study_id: studyId, enrolment, detail, limit, cursor, format })
  .refine(fullIsIdentified, fullNeedsIdentified)

type Input = z.output<typeof input>

/**
 * The patients of a study with their enrolments, from its roster. Of members who are not enrolled only what the roster
 * says is given: they are not within the grant, and the exchange is never asked for them.
 */
export const listStudyPatients = defineTool({
  name: 'list_study_patients',
  title: 'Patients of a study',
  description:
    'Who is in a study: patient ids, participant codes, status, birth year, sex. Use it to find a patient_id.',
  input,
  output: 'fhir',
  rule: { needs: [rosterNeed], patients: true },
  subject: ({ study_id }) => ({ kind: 'study', study: study_id }),
  async run(input, context) {
    const call = pagedCall('list_study_patients', input, context)
    const after = await openPosition(call)
    const study = studyOf(context.target)
    const roster = await context.roster({ kind: 'study', id: study })
    const members = membersOf(roster, input.enrolment, context)
    const page = pageById(call, members, (member) => member.id, after)
    const { entries, absent, gaps } = await entriesOf(page.items, study, roster, context)
    const { detail, format } = input
    const fhirVersion = await fhirVersionFor(entries, context)
    const view = { detail, format, fhirVersion, baseUrl: context.settings.baseUrl }
    return pageAnswer({
      asked: `Patients of study ${study}, enrolment ${input.enrolment}, detail ${detail}, by id`,
      self: selfOf(study, input),
      columns: patientColumns(detail),
      rows: entries.map((entry) => patientRow(entry, view)),
      total: context.settings.filtersRows ? undefined : members.length,
      notes: [
        ...gapNotes(gaps),
        ...(context.settings.filtersRows ? [shownNote] : []),
        ...memberNotes(page.items, { absent, gaps }, context),
        ...(members.length === 0 ? [emptyNote(input.enrolment, roster, context)] : []),
      ],
      limit: input.limit,
      most: page.most,
      cursorAfter: page.cursorAfter,
      format,
      byteBudget: context.byteBudget,
      asOf: new Date(roster.loadedAt).toISOString(),
    })
  },
})

const shownNote: Note = {
  severity: 'warning',
  code: 'incomplete',
  text: 'The exchange takes rows out of its answers: these are the members that it showed. How many there are is not known.',
}

interface Member {
  readonly id: string
  readonly enrolled: boolean
}

/** The members that were asked for, as far as scopes let the caller see the roster. */
function membersOf(roster: Roster, wanted: Input['enrolment'], context: GrantedContext): Member[] {
  const { wholeRoster } = readingScopes(context.principal)
  const members = [...roster.patients()].map(({ patient, enrolled }) => ({ id: patient, enrolled }))
  return members.filter(({ id, enrolled }) => {
    if (enrolled) return wanted !== 'withdrawn' && context.grant.standing(id) === 'member'
    return wanted !== 'enrolled' && wholeRoster && context.grant.standing(id) !== 'foreign'
  })
}

/** Enrolled members whose Patient did not come, and why patients may be missing. */
interface Absent {
  readonly absent: readonly string[]
  readonly gaps: readonly Gap[]
}

/** Enrolled members with their Patient, where scopes allow it; the others without. */
async function entriesOf(
  members: readonly Member[],
  study: string,
  roster: Roster,
  context: GrantedContext,
): Promise<{ entries: PatientEntry[] } & Absent> {
  const scopes = readingScopes(context.principal)
  const ids = members.filter(({ id, enrolled }) => enrolled && scopes.patient(id)).map(({ id }) => id)
  const found =
    ids.length === 0 ? { patients: [], gaps: [] } : await context.exchange.patients(context.grant, {}, ids)
  const patients = new Map(found.patients.map((patient) => [patient.id, patient]))
  const entries = members.map(({ id }) => ({
    id,
    patient: patients.get(id),
    enrolments: roster.enrolments(id).map((enrolment) => ({ study, enrolment })),
  }))
  return { entries, absent: ids.filter((id) => !patients.has(id)), gaps: found.gaps }
}

function memberNotes(members: readonly Member[], { absent, gaps }: Absent, context: GrantedContext): Note[] {
  const notes: Note[] = []
  const left = members.filter(({ enrolled }) => !enrolled).length
  if (left > 0) {
    const text = `${left} on this page are not enrolled: id, code, status and period only. Their names, demographics and data are not given with a study that they are not enrolled in.`
    notes.push({ severity: 'information', code: 'suppressed', text })
  }
  const { patient } = readingScopes(context.principal)
  if (members.some(({ id, enrolled }) => enrolled && !patient(id))) {
    const text = "The token's scopes do not cover Patient (user/Patient.rs): enrolments only."
    notes.push({ severity: 'information', code: 'suppressed', text })
  }
  if (absent.length > 0) {
    const where = gaps.length > 0 ? 'in its answer' : 'on the exchange'
    const text = `Enrolled, but without a Patient ${where}: ${someOf(absent)}.`
    notes.push({ severity: 'warning', code: 'incomplete', text })
  }
  return notes
}

function emptyNote(wanted: Input['enrolment'], roster: Roster, context: GrantedContext): Note {
  const others = membersOf(roster, 'all', context).length
  const text =
    others > 0
      ? `Nobody with enrolment ${wanted}; members otherwise: ${others} (enrolment all lists them).`
      : roster.patients()[Symbol.iterator]().next().done === true
        ? 'The study has no members.'
        : 'The study has no members that this token may see.'
  return { severity: 'information', code: 'informational', text }
}

function selfOf(study: string, { enrolment, detail, limit }: Input): string {
  return searchLink('Patient', [
    ['_has:ResearchSubject:patient:study', study],
    ['enrolment', enrolment],
    ['detail', detail],
    ['_count', String(limit)],
  ])
}
