import { z } from 'zod'
import type { ParametersParameter } from '../fhir/types.ts'
import { compareIds } from '../results/keyset.ts'
import { gatherPatient, type PatientReadings } from '../statistics/patient-readings.ts'
import { collectStudy, type StudyCollector } from '../statistics/study-series.ts'
import { studyId } from './arguments/ids.ts'
import { cursor } from './arguments/paging.ts'
import { observationArguments, observationRule } from './observations/arguments.ts'
import { type AskedObservations, askedObservations } from './observations/asked.ts'
import { importNotes } from './observations/import-notes.ts'
import {
  changedNotes,
  inSeriesOrder,
  leftOutNotes,
  positionOfSeries,
  type SeriesPosition,
} from './observations/left-out.ts'
import { codesIn } from './observations/participant-codes.ts'
import { notReadReasons, type PatientOutcome } from './observations/patients-line.ts'
import { readPatients } from './observations/read-patients.ts'
import { noRemarks, remark } from './observations/remarks.ts'
import { isWords, plainNameOf, wordsParameters } from './observations/series-names.ts'
import { answerOf, headline, headOf, mostNamed, type Result } from './observations/study-answer.ts'
import { bytesOfPart, layOutStudy } from './observations/study-layout.ts'
import { notReadPart, patientPart } from './observations/study-parts.ts'
import {
  cutAt,
  parsePosition,
  positionAfter,
  type StudyCut,
  type StudyPosition,
} from './observations/study-position.ts'
import { emptyTally, note } from './observations/study-tally.ts'
import type { SummaryPart } from './observations/summary-parts.ts'
import { studyOf } from './target-study.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const name = 'summarize_study_observations'

const input = z.strictObject({
  study_id: studyId,
  by: z.enum(['week', 'patient']).optional().describe('A row per ISO week, or per patient'),
  ...observationArguments,
  cursor: cursor.describe('Goes on with the patients that are left, or the series that did not fit'),
})
type Input = z.output<typeof input>

/** Bytes set aside for notes and the cursor. */
const frame = 6144
const pooled =
  'All readings of all patients together: who has more readings weighs more. by "patient" gives each patient.'

/**
 * Describes the observations of a study's enrolled patients by type and unit, in one pass: patient by patient, each one whole
 * or not at all. Percentiles are exact, since every value is held (at most 500,000). Where the deadline or that bound comes
 * first, the answer is marked PARTIAL and its cursor goes on with the patients that are left: that answer has the numbers of
 * those patients alone, since percentiles of parts cannot be put together.
 */
export const summarizeStudyObservations = defineTool({
  name,
  title: 'Summarize observations of a study',
  description:
    "Statistics over a study's enrolled patients per type and unit: patients, n, mean, median, percentiles; by week or by patient.",
  input,
  output: 'fhir',
  rule: observationRule,
  subject(given) {
    askedObservations(given)
    return { kind: 'study', study: given.study_id }
  },
  async run(given, context) {
    const asked = askedObservations(given)
    const study = studyOf(context.target)
    const all = [...(context.grant.terms.patients?.members ?? [])].sort(compareIds)
    const call = { principal: context.principal, tool: name, arguments: { ...given, study_id: study } }
    const position =
      given.cursor === undefined ? undefined : parsePosition(await context.cursors.open(call, given.cursor))
    const cut = cutAt(all, position?.patients)
    const summary = given.by === 'patient' ? byPatient : together
    const series = position?.series
    const result = await summary({ given, asked, cut, context, series, head: headOf(asked, all, context) })
    const there = nextPosition(result, cut, all, position)
    const next = there === undefined ? undefined : await context.cursors.seal(call, there)
    const imports = await importNotes(context, 0)
    return answerOf({ asked, all, cut, context, result, next, imports, by: given.by })
  },
})

/**
 * Where the next call goes on: with the patients that are left, whose numbers are others; or, where all of these were read, with
 * the series that did not fit.
 */
function nextPosition(
  { read, laid, ordered }: Result,
  cut: StudyCut,
  all: readonly string[],
  position: StudyPosition | undefined,
): StudyPosition | undefined {
  if (read.end === 'complete') {
    if (laid.hidden.length === 0) return undefined
    return {
      ...(position?.patients === undefined ? {} : { patients: position.patients }),
      series: positionOfSeries(ordered, ordered.length - laid.hidden.length),
    }
  }
  const last = cut.left[read.taken - 1]
  return last === undefined ? undefined : positionAfter(all, last)
}

interface Summing {
  readonly given: Input
  readonly asked: AskedObservations
  readonly cut: StudyCut
  readonly series: SeriesPosition | undefined
  readonly context: GrantedContext
  /** What stands before everything in the answer. */
  readonly head: readonly ParametersParameter[]
}

async function together({ given, asked, cut, context, series: from, head }: Summing): Promise<Result> {
  const zone = asked.period.timeZone
  const study = collectStudy()
  const weeks = new Map<string, StudyCollector>()
  const tally = emptyTally()
  const read = await readPatients(context, {
    patients: cut.left,
    filter: asked.filter,
    begin: () => gatherPatient(zone, given.by === 'week', asked.values),
    take(patient, outcome) {
      note(tally, patient, outcome)
      if ('notRead' in outcome) return true
      study.add(outcome.gathered.series)
      for (const [start, series] of outcome.gathered.weeks) {
        const known = weeks.get(start) ?? collectStudy()
        weeks.set(start, known)
        known.add(series)
      }
      return true
    },
  })
  const series = study.series()
  const inWeeks = new Map([...weeks].map(([start, collector]) => [start, collector.series(series)]))
  const numeric = series.filter((one) => !isWords(one))
  const withoutDay = numeric.reduce((sum, one) => sum + one.withoutDay, 0)
  const named = tally.notRead.slice(0, mostNamed)
  const notRead = named.map(({ patient, why }) => notReadPart(patient, notReadReasons[why]))
  const words = series.filter(isWords).map(plainNameOf)
  const remarks = noRemarks()
  remark(remarks, series)
  const fixed = bytesOfAll(notRead) + bytesOfHead(head, words) + bytesOf(headline(asked, context))
  const ordered = inSeriesOrder(numeric)
  const left = ordered.slice(from?.skip ?? 0)
  const laid = layOutStudy(left, numeric, inWeeks, context.byteBudget - frame - fixed)
  return {
    read,
    tally,
    words,
    remarks,
    ordered,
    laid: {
      parts: [...notRead, ...laid.parts],
      hidden: laid.hidden,
      notes: [
        ...changedNotes(ordered, from),
        ...leftOutNotes(laid.hidden, read.end === 'complete'),
        ...(tally.observations === 0 ? [] : [pooled]),
        ...laid.notes,
        ...(given.by === 'week' ? weekNotes(zone, withoutDay) : []),
      ],
    },
  }
}

async function byPatient({ asked, cut, context, head }: Summing): Promise<Result> {
  const codesOf = codesIn(await context.roster({ kind: 'study', id: studyOf(context.target) }))
  const tally = emptyTally()
  const words = new Set<string>()
  const remarks = noRemarks()
  const parts: SummaryPart[] = []
  let left = context.byteBudget - frame - bytesOfHead(head, []) - bytesOf(headline(asked, context))
  const partOf = (patient: string, outcome: PatientOutcome<PatientReadings>, most?: number) =>
    'notRead' in outcome
      ? notReadPart(patient, notReadReasons[outcome.notRead])
      : patientPart(patient, codesOf(patient), outcome, most)
  const read = await readPatients(context, {
    patients: cut.left,
    filter: asked.filter,
    begin: () => gatherPatient(asked.period.timeZone, false, asked.values, 'type unit'),
    take(patient, outcome) {
      let part = partOf(patient, outcome)
      const own = 'notRead' in outcome ? [] : outcome.gathered.series.filter(isWords).map(plainNameOf)
      const fresh = own.filter((name) => !words.has(name))
      // The one patient that fills a page alone is given as far as it fits.
      if (parts.length === 0 && bytesOfPart(part) > left) {
        const fits = (most: number) => bytesOfPart(partOf(patient, outcome, most)) <= left
        part = partOf(patient, outcome, mostThat(fits, seriesIn(part)))
      }
      const bytes = bytesOfPart(part) + bytesOfHead([], fresh)
      if (parts.length > 0 && bytes > left) return false
      left -= bytes
      parts.push(part)
      for (const name of fresh) words.add(name)
      note(tally, patient, outcome)
      if (!('notRead' in outcome)) remark(remarks, outcome.gathered.series)
      return true
    },
  })
  return {
    read,
    tally,
    words: [...words].sort(),
    remarks,
    ordered: [],
    laid: { parts, hidden: [], notes: [] },
  }
}

function weekNotes(zone: string, withoutDay: number): string[] {
  return [
    `Weeks are ISO weeks (from Monday) in ${zone}; a reading belongs to the week in which its time begins, and weeks without readings are not listed. The first and last week may be cut by start and end.`,
    ...(withoutDay === 0 ? [] : [`Values without a known day, in no week: ${withoutDay}.`]),
  ]
}

/** The largest number below `end` that is good, where all smaller ones are too; 0 where none is. */
function mostThat(isGood: (n: number) => boolean, end: number): number {
  let [good, bad] = [0, end]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isGood(middle)) good = middle
    else bad = middle
  }
  return good
}

function bytesOfHead(head: readonly ParametersParameter[], words: readonly string[]): number {
  return bytesOf(JSON.stringify([...head, ...wordsParameters(words)]))
}

function bytesOfAll(parts: readonly SummaryPart[]): number {
  return parts.reduce((sum, part) => sum + bytesOfPart(part), 0)
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}

function seriesIn({ parameter }: SummaryPart): number {
  return (parameter.part ?? []).filter(({ name }) => name === 'series').length
}
