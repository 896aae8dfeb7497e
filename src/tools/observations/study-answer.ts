import type { ParametersParameter } from '../../fhir/types.ts'
import type { Answer } from '../../results/answer.ts'
import { gapParameters, gapTexts } from '../../results/gaps.ts'
import { someOf } from '../../results/line.ts'
import { parametersOf } from '../../results/parameters.ts'
import { singleAnswer } from '../../results/single.ts'
import { reasonText } from '../../results/standing.ts'
import { percentileMethod } from '../../statistics/percentiles.ts'
import type { StudySeries } from '../../statistics/study-series.ts'
import { studyOf } from '../target-study.ts'
import type { GrantedContext } from '../tool.ts'
import { type AskedObservations, askedParameters, wordingOf } from './asked.ts'
import { notReadReasons } from './patients-line.ts'
import type { PatientsRead } from './read-patients.ts'
import { convertedNotes, leftOutNotes, type Remarks, wordNotes } from './remarks.ts'
import { studyBasis } from './requested.ts'
import { wordsParameters } from './series-names.ts'
import type { LaidOut } from './study-layout.ts'
import type { StudyCut } from './study-position.ts'
import type { Tally } from './study-tally.ts'
import { undatedNotes, undatedParameters } from './undated.ts'

/** Patients that were not read and are named; of the others only the number is given. */
export const mostNamed = 20

/** What was summed up, and over whom. */
export interface Result {
  readonly read: PatientsRead
  readonly tally: Tally
  readonly words: readonly string[]
  readonly remarks: Remarks
  /** All series of numbers, in the order of pages. */
  readonly ordered: readonly StudySeries[]
  readonly laid: LaidOut
}

/** What an answer is made of. */
export interface Answering {
  readonly asked: AskedObservations
  readonly all: readonly string[]
  readonly cut: StudyCut
  readonly context: GrantedContext
  readonly result: Result
  readonly next: string | undefined
  readonly by: 'week' | 'patient' | undefined
  /** What has to be said of imported observations. */
  readonly imports: readonly string[]
}

/** Lays out the answer: for whom its numbers hold, the numbers, and what is not in them. */
export function answerOf(answering: Answering): Answer {
  const { asked, all, cut, context, result, next, by } = answering
  const { tally, read, words, remarks, laid } = result
  const asOf = new Date(context.now()).toISOString()
  const isWhole = tally.read === all.length
  const left = cut.left.length - read.taken
  const without = tally.read - tally.withReadings - tally.notKnown
  return singleAnswer({
    asked: headline(asked, context),
    resource: parametersOf([
      ...headOf(asked, all, context),
      { name: 'complete', valueBoolean: isWhole && tally.gaps.size === 0 },
      ...gapParameters(tally.gaps),
      { name: 'patientsRead', valueInteger: tally.read },
      { name: 'patientsWithObservations', valueInteger: tally.withReadings },
      { name: 'patientsWithoutObservations', valueInteger: without },
      ...(tally.incomplete === 0 ? [] : [{ name: 'patientsIncomplete', valueInteger: tally.incomplete }]),
      { name: 'patientsNotRead', valueInteger: tally.notRead.length },
      { name: 'patientsOfEarlierCalls', valueInteger: cut.earlier.length },
      { name: 'patientsLeft', valueInteger: left },
      { name: 'observations', valueInteger: tally.observations },
      ...undatedParameters(tally.undated),
      ...[...tally.excluded].map(([status, n]) => ({
        name: 'excludedObservations',
        part: [
          { name: 'reason', valueString: status },
          { name: 'n', valueInteger: n },
        ],
      })),
      ...wordsParameters(words),
      { name: 'asOf', valueInstant: asOf },
      ...laid.parts.map(({ parameter }) => parameter),
      ...(next === undefined ? [] : [{ name: 'cursor', valueString: next }]),
    ]),
    lines: [
      `${all.length} enrolled patients within reach; ${by === 'patient' ? 'here' : 'in these numbers'}: ${tally.read} (${tally.withReadings} with observations, ${without} without${tally.notKnown === 0 ? '' : `, ${tally.notKnown} not known`})`,
      `${tally.observations} observations`,
      ...laid.parts.flatMap(({ line }) => line.split('\n')),
      ...(next === undefined ? [] : [`More: call again with the same arguments and cursor: ${next}`]),
    ],
    notes: [
      ...(all.length === 0 ? ['Nobody within reach is enrolled in this study.'] : []),
      ...incompleteNotes(tally),
      ...(isWhole ? [] : by === 'patient' ? pageNotes(answering, left) : partialNotes(answering, left)),
      ...notReadNotes(tally.notRead),
      studyBasis(context.grant),
      ...answering.imports,
      ...(tally.observations === 0 ? [] : [`Percentiles by ${percentileMethod}`]),
      ...laid.notes,
      ...[...tally.excluded].map(([why, n]) => `Left out of every number ${reasonText(why)}: ${n}.`),
      ...undatedNotes(tally.undated),
      ...leftOutNotes(remarks),
      ...convertedNotes(remarks),
      ...wordNotes(remarks),
      ...(tally.hasSteps
        ? [
            'step-count: each value is one count over its own stretch of time, not a day. summarize_patient_observations sums them up per day.',
          ]
        : []),
      ...(tally.observations === 0 && tally.read > 0 && tally.gaps.size === 0
        ? ['Nobody of these patients has such observations.']
        : []),
    ],
    byteBudget: context.byteBudget,
    asOf,
  })
}

/** Of how many patients something may be missing. */
function incompleteNotes({ gaps, incomplete, read }: Tally): string[] {
  return gapTexts(gaps).map((text) => `${text} So it is for ${incomplete} of the ${read} patients here.`)
}

/** Why a call ended before all patients were read. */
const whyEnded = {
  complete: undefined,
  full: 'the answer is full',
  deadline: 'the deadline came first',
  bound: 'as many values as one call holds are read',
  silent: 'the exchange did not answer for those behind',
} as const

/** For whom the numbers hold, where that is not the whole study. */
function partialNotes({ all, cut, result, next }: Answering, left: number): string[] {
  const { tally, read } = result
  const why = whyEnded[read.end]
  const whom = [
    `${tally.read} of ${all.length} patients`,
    ...(cut.earlier.length === 0 ? [] : [`not the ${cut.earlier.length} of earlier calls`]),
    ...(left === 0 ? [] : [`not the ${left} that are left${why === undefined ? '' : `: ${why}`}`]),
  ].join(', ')
  return [
    `PARTIAL: every number here is of ${whom}.`,
    'Means, medians and percentiles of parts cannot be put together into those of the study. One data_type or a shorter period may fit into one call.',
    ...(next === undefined
      ? []
      : ['The cursor goes on with the patients that are left, and with them alone.']),
    ...changedNotes(cut),
  ]
}

/** Which page of the rows this is: each row has all of its patient, so nothing is missing in it. */
function pageNotes({ all, cut, result, next }: Answering, left: number): string[] {
  const { tally, read } = result
  const why = whyEnded[read.end]
  const others = [
    ...(cut.earlier.length === 0 ? [] : [`${cut.earlier.length} came on earlier pages`]),
    ...(left === 0 ? [] : [`${left} follow${why === undefined ? '' : `, since ${why}`}`]),
  ]
  return [
    `A page: ${tally.read} of ${all.length} patients, each with all of its numbers${others.map((one) => `; ${one}`).join('')}.`,
    ...(next === undefined ? [] : ['The cursor gives the next page.']),
    ...changedNotes(cut),
  ]
}

function changedNotes({ isSame }: StudyCut): string[] {
  const changed =
    'Who is enrolled has changed since the call before: earlier answers are of other patients than those of now.'
  return isSame ? [] : [changed]
}

function notReadNotes(notRead: Tally['notRead']): string[] {
  if (notRead.length === 0) return []
  const some = someOf(
    notRead.map(({ patient, why }) => `Patient/${patient} (${notReadReasons[why]})`),
    mostNamed,
  )
  return [
    `Not read, which is not the same as without observations: ${some}. Ask for each with summarize_patient_observations.`,
  ]
}

/** What was asked, and over how many. */
export function headOf(
  asked: AskedObservations,
  all: readonly string[],
  { grant, target }: GrantedContext,
): ParametersParameter[] {
  return [
    { name: 'study', valueReference: { reference: `ResearchStudy/${studyOf(target)}` } },
    ...askedParameters(asked, grant),
    { name: 'patients', valueInteger: all.length },
    { name: 'basis', valueString: studyBasis(grant) },
    { name: 'percentileMethod', valueString: percentileMethod },
  ]
}

/** What was asked, in one line. */
export function headline(asked: AskedObservations, { grant, target }: GrantedContext): string {
  return `Summary of the observations of study ${studyOf(target)}, ${wordingOf(asked, grant)}`
}
