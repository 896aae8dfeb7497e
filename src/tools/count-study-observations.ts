import { z } from 'zod'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { ObservationCount } from '../exchange/exchange.ts'
import type { AnyResource, ParametersParameter } from '../fhir/types.ts'
import type { Answer } from '../results/answer.ts'
import { compareIds } from '../results/keyset.ts'
import { parametersOf } from '../results/parameters.ts'
import { singleAnswer } from '../results/single.ts'
import { studyId } from './arguments/ids.ts'
import { cursor } from './arguments/paging.ts'
import { observationArguments, observationRule } from './observations/arguments.ts'
import {
  type AskedObservations,
  askedObservations,
  askedParameters,
  wordingOf,
} from './observations/asked.ts'
import { countByPatient, type PatientCount, sumOf } from './observations/count-by-patient.ts'
import {
  countParameters,
  countText,
  exactness,
  fociCounted,
  panelNotes,
  shownNotes,
} from './observations/count-text.ts'
import { importNotes } from './observations/import-notes.ts'
import { codesIn } from './observations/participant-codes.ts'
import { patientCountRow, patientsThatFit } from './observations/patient-count-rows.ts'
import { studyBasis } from './observations/requested.ts'
import { studyOf } from './target-study.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const input = z.strictObject({
  study_id: studyId,
  by_patient: z.boolean().default(false).describe('A count for each patient'),
  ...observationArguments,
  cursor: cursor.describe('With by_patient: from the page before'),
})
type Input = z.output<typeof input>

/** Bytes set aside for what was asked, notes and the cursor. */
const frame = 6144
/** Counts the observations of a study's enrolled patients. */
export const countStudyObservations = defineTool({
  name: 'count_study_observations',
  title: 'Count observations of a study',
  description: "Exact number of observations of a study's enrolled patients, together or by_patient.",
  input,
  output: 'fhir',
  rule: observationRule,
  subject(given) {
    askedObservations(given)
    if (given.cursor !== undefined && !given.by_patient) {
      throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor goes with by_patient: leave it out.' })
    }
    return { kind: 'study', study: given.study_id }
  },
  async run(given, context) {
    const asked = askedObservations(given)
    const patients = [...(context.grant.terms.patients?.members ?? [])].sort(compareIds)
    return given.by_patient
      ? answerByPatient(given, asked, patients, context)
      : answerTogether(asked, patients, context)
  },
})

async function answerTogether(
  asked: AskedObservations,
  patients: readonly string[],
  context: GrantedContext,
): Promise<Answer> {
  const count = await countTogether(asked, patients, context)
  return answerOf(asked, patients, context, {
    parameters: [...countParameters(count), { name: 'exact', valueBoolean: count.shownOnly !== true }],
    lines: [`${countText(count)}, ${exactness(count)}`],
    notes: [...shownNotes(count), ...(await importNotes(context, 0))],
  })
}

/** Where the exchange cannot count a study safely, its patients are summed up, or nothing is said. */
async function countTogether(
  { filter }: AskedObservations,
  patients: readonly string[],
  context: GrantedContext,
): Promise<ObservationCount> {
  try {
    return await context.exchange.countObservations(context.grant, filter)
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'EXCHANGE_TIMEOUT')) throw tooSlow()
    if (!isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) throw thrown
    const sum = sumOf(await countByPatient(context, patients, filter))
    if (sum !== undefined) return sum
    throw tooSlow()
  }
}

function tooSlow() {
  return fhirMcpError('EXCHANGE_TIMEOUT', {
    detail: 'The patients of this study could not all be counted in time; by_patient counts them in pages.',
  })
}

async function answerByPatient(
  given: Input,
  asked: AskedObservations,
  all: readonly string[],
  context: GrantedContext,
): Promise<Answer> {
  const study = studyOf(context.target)
  const call = {
    principal: context.principal,
    tool: 'count_study_observations',
    arguments: { ...given, study_id: study },
  }
  const after =
    given.cursor === undefined ? undefined : positionOf(await context.cursors.open(call, given.cursor))
  const codesOf = codesIn(await context.roster({ kind: 'study', id: study }))
  const left = after === undefined ? all : all.filter((patient) => compareIds(patient, after) > 0)
  const fitting = patientsThatFit(left, codesOf, context.byteBudget - frame - bytesOf(asked, context))
  const page = left.slice(0, fitting)
  const counts = await countByPatient(context, page, asked.filter)
  const sum = sumOf(counts)
  const isWhole = page.length === all.length
  const done = beforeDeadline(counts)
  const next = done !== undefined && done !== left.at(-1) ? await context.cursors.seal(call, done) : undefined
  const missing = counts.filter(({ result }) => typeof result === 'string').length
  const isShownOnly = counts.some(({ result }) => typeof result !== 'string' && result.shownOnly === true)
  const rows = counts.map((count) => patientCountRow(count, codesOf))
  return answerOf(asked, all, context, {
    parameters: [
      ...(sum !== undefined && isWhole ? countParameters(sum) : []),
      { name: 'exact', valueBoolean: missing === 0 && !isShownOnly },
      { name: 'notCounted', valueInteger: missing },
      ...rows.map(({ parameter }) => parameter),
      ...(next === undefined ? [] : [{ name: 'cursor', valueString: next }]),
    ],
    lines: [
      ...(sum !== undefined && isWhole ? [`${countText(sum)} together, ${exactness(sum)}`] : []),
      `${page.length} of ${all.length} patients on this page, by id`,
      ...rows.map(({ line }) => line),
      ...(next === undefined ? [] : [`More: call again with the same arguments and cursor: ${next}`]),
    ],
    notes: [
      ...shownNotes({ ...(isShownOnly ? { shownOnly: true } : {}) }),
      ...(missing === 0
        ? []
        : [
            `Not counted, which is not 0: ${missing} of the ${page.length} patients on this page. Where the deadline came first, the cursor goes on with them; count others with count_patient_observations.`,
          ]),
      ...(await importNotes(context, 0)),
    ],
  })
}

/** The last patient that was begun in time: what the deadline cut off is left for the next page. */
function beforeDeadline(counts: readonly PatientCount[]): string | undefined {
  const cut = counts.findIndex(({ result }) => result === 'deadline')
  return (cut === -1 ? counts.at(-1) : counts[cut - 1])?.patient
}

interface Said {
  readonly parameters: readonly ParametersParameter[]
  readonly lines: readonly string[]
  readonly notes: readonly string[]
}

function answerOf(
  asked: AskedObservations,
  patients: readonly string[],
  context: GrantedContext,
  said: Said,
): Answer {
  const asOf = new Date(context.now()).toISOString()
  const notes = [
    ...(patients.length === 0 ? ['Nobody within reach is enrolled in this study.'] : []),
    studyBasis(context.grant, 'Counted over'),
    ...(patients.length === 0 ? [] : [fociCounted, ...panelNotes(asked)]),
    ...said.notes,
  ]
  return singleAnswer({
    asked: headline(asked, context),
    resource: resourceOf(asked, patients.length, context, [
      ...said.parameters,
      { name: 'asOf', valueInstant: asOf },
    ]),
    lines: [`${patients.length} enrolled patients within reach`, ...said.lines],
    notes,
    byteBudget: context.byteBudget,
    asOf,
  })
}

function resourceOf(
  asked: AskedObservations,
  patients: number,
  { grant, target }: GrantedContext,
  more: readonly ParametersParameter[],
): AnyResource {
  return parametersOf([
    { name: 'study', valueReference: { reference: `ResearchStudy/${studyOf(target)}` } },
    ...askedParameters(asked, grant),
    { name: 'patients', valueInteger: patients },
    { name: 'basis', valueString: studyBasis(grant, 'Counted over') },
    ...more,
  ])
}

function headline(asked: AskedObservations, { grant, target }: GrantedContext): string {
  return `Number of observations of study ${studyOf(target)}, ${wordingOf(asked, grant)}`
}

/** What the head of an answer takes, in text and resource. */
function bytesOf(asked: AskedObservations, context: GrantedContext): number {
  const head = resourceOf(asked, 0, context, [])
  return Buffer.byteLength(JSON.stringify(head)) + Buffer.byteLength(headline(asked, context))
}

function positionOf(position: unknown): string {
  if (typeof position === 'string') return position
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}
