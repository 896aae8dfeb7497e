import { z } from 'zod'
import { fhirMcpError } from '../errors.ts'
import { isImported } from '../fhir/imported.ts'
import type { ParametersParameter } from '../fhir/types.ts'
import { gapParameters, gapTexts } from '../results/gaps.ts'
import { parametersOf } from '../results/parameters.ts'
import { readingTime } from '../results/reading-time.ts'
import { singleAnswer } from '../results/single.ts'
import { countsUndated, type NotSummarised, notSummarised, reasonText } from '../results/standing.ts'
import { contributionsOf } from '../statistics/contributions.ts'
import { collectSeries, type Series } from '../statistics/series.ts'
import { cursor } from './arguments/paging.ts'
import type { Period } from './arguments/period.ts'
import { observationArguments, observationRule, patientArguments } from './observations/arguments.ts'
import { askedObservations, askedParameters, patientSubject, wordingOf } from './observations/asked.ts'
import { countsOfDays, isSummed, summedType, sumNotes } from './observations/day-counts.ts'
import { endNotes } from './observations/end-notes.ts'
import { importNotes, importParameters, readText } from './observations/import-notes.ts'
import {
  changedNotes,
  inSeriesOrder,
  leftOutNotes as leftOutForSize,
  positionOfSeries,
  type SeriesPosition,
  seriesPositionSchema,
} from './observations/left-out.ts'
import { readAll } from './observations/read-all.ts'
import { convertedNotes, leftOutNotes, noRemarks, remark, wordNotes } from './observations/remarks.ts'
import { isWords, plainNameOf, wordsParameters } from './observations/series-names.ts'
import { daysOf, type SummaryPart, seriesPart } from './observations/summary-parts.ts'
import { undatedNotes, undatedParameters } from './observations/undated.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

const name = 'summarize_patient_observations'

const input = z.strictObject({
  ...patientArguments,
  ...observationArguments,
  cursor: cursor.describe('Gives the series that did not fit'),
})

/** Bytes set aside for what was asked and for notes; text takes about as much as a third of the rest. */
const frame = 6144

/** Describes the observations of one patient by type and unit. */
export const summarizePatientObservations = defineTool({
  name,
  title: 'Summarize observations of a patient',
  description:
    'Statistics of a patient per type and unit (n, first, last, min, max, mean, median, SD); steps per day. Use it instead of reading pages.',
  input,
  output: 'fhir',
  rule: observationRule,
  subject: patientSubject,
  async run(given, context) {
    const { grant, byteBudget } = context
    const asked = askedObservations(given)
    const zone = asked.period.timeZone
    const patient = patientOf(context.target)
    const { study_id: _, ...bound } = given
    const call = { principal: context.principal, tool: name, arguments: { ...bound, patient_id: patient } }
    const position =
      given.cursor === undefined ? undefined : positionIn(await context.cursors.open(call, given.cursor))
    const collector = collectSeries(({ type }) => type.key === summedType)
    const excluded = new Map<NotSummarised, number>()
    let read = 0
    let imported = 0
    let undated = 0
    const { end, gaps } = await readAll(context, asked.filter, (observation) => {
      read += 1
      if (isImported(observation)) imported += 1
      const why = notSummarised(observation)
      if (why !== undefined) excluded.set(why, (excluded.get(why) ?? 0) + 1)
      const time = readingTime(observation, zone)
      if (countsUndated(observation, time)) undated += 1
      for (const contribution of contributionsOf(observation, asked.values)) collector.add(contribution, time)
    })
    const all = collector.series()
    const numeric = all.filter((series) => !isWords(series))
    const words = all.filter(isWords)
    const remarks = noRemarks()
    remark(remarks, all)
    const asOf = new Date(context.now()).toISOString()
    const head: ParametersParameter[] = [
      { name: 'patient', valueReference: { reference: `Patient/${patient}` } },
      ...askedParameters(asked, grant),
      { name: 'observations', valueInteger: read },
      ...importParameters(imported),
      ...undatedParameters(undated),
      ...[...excluded].map(([status, n]) => ({
        name: 'excludedObservations',
        part: [
          { name: 'reason', valueString: status },
          { name: 'n', valueInteger: n },
        ],
      })),
      { name: 'complete', valueBoolean: end === 'complete' && gaps.length === 0 },
      ...gapParameters(gaps),
      ...wordsParameters(words.map(plainNameOf)),
      { name: 'asOf', valueInstant: asOf },
    ]
    const wording = `Summary of the observations of Patient/${patient}, ${wordingOf(asked, grant)}`
    const fixed = Buffer.byteLength(JSON.stringify(head)) + Buffer.byteLength(wording)
    const ordered = inSeriesOrder(numeric)
    const left = ordered.slice(position?.skip ?? 0)
    const laid = layOut(left, numeric, asked.period, byteBudget - frame - fixed)
    const next =
      laid.hidden.length === 0
        ? undefined
        : await context.cursors.seal(call, positionOfSeries(ordered, ordered.length - laid.hidden.length))
    return singleAnswer({
      asked: wording,
      resource: parametersOf([
        ...head,
        ...laid.parts.map(({ parameter }) => parameter),
        ...(next === undefined ? [] : [{ name: 'cursor', valueString: next }]),
      ]),
      lines: [
        readText(read, imported),
        ...(position === undefined
          ? []
          : [
              `Series ${position.skip + 1} to ${position.skip + left.length - laid.hidden.length} of ${ordered.length}`,
            ]),
        ...laid.parts.map(({ line }) => line),
        ...(next === undefined ? [] : [`More: call again with the same arguments and cursor: ${next}`]),
      ],
      notes: [
        ...gapTexts(gaps),
        ...endNotes(end, read),
        ...[...excluded].map(([why, n]) => `Left out of every number ${reasonText(why)}: ${n}.`),
        ...undatedNotes(undated),
        ...leftOutNotes(remarks),
        ...convertedNotes(remarks),
        ...(await importNotes(context, imported)),
        ...changedNotes(ordered, position),
        ...leftOutForSize(laid.hidden, next !== undefined),
        ...laid.notes,
        ...wordNotes(remarks),
        ...(read === 0 && end === 'complete' && gaps.length === 0 ? [await whyEmpty(asked, context)] : []),
      ],
      byteBudget,
      asOf,
    })
  },
})

function positionIn(opened: unknown): SeriesPosition {
  const position = seriesPositionSchema.safeParse(opened)
  if (position.success) return position.data
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}

interface LaidOut {
  readonly parts: readonly SummaryPart[]
  /** Series that did not fit, in the order of the others. */
  readonly hidden: readonly Series[]
  readonly notes: readonly string[]
}

/**
 * The series that fit, the first of `bySize` in line, in the order of `byName`, then their single days; what is left out is said.
 */
function layOut(
  bySize: readonly Series[],
  byName: readonly Series[],
  period: Period,
  bytes: number,
): LaidOut {
  const notes: string[] = []
  let left = bytes
  const fits = (...parts: readonly SummaryPart[]) => {
    for (const { parameter, line } of parts) {
      left -= Buffer.byteLength(JSON.stringify(parameter)) + Buffer.byteLength(line) + 2
    }
    return left >= 0
  }
  const shown = new Map<Series, SummaryPart[]>()
  const summed = new Map<Series, readonly SummaryPart[]>()
  for (const one of bySize) {
    const within = isSummed(one) ? countsOfDays(one, period) : undefined
    const perDay = within === undefined ? undefined : daysOf(within, period.timeZone)
    const own = [seriesPart(one), ...(perDay === undefined ? [] : [perDay.all])]
    // One is always given, so that the next page goes on.
    if (!fits(...own) && shown.size > 0) break
    shown.set(one, own)
    if (within === undefined || perDay === undefined) continue
    summed.set(one, perDay.days)
    notes.push(...sumNotes(within, period.timeZone, one.timed.length - within.timed.length))
  }
  const hidden = bySize.filter((one) => !shown.has(one))
  for (const [one, days] of summed) {
    const fitting = days.findIndex((day) => !fits(day))
    const given = fitting === -1 ? days : days.slice(0, fitting)
    shown.get(one)?.push(...given)
    if (given.length < days.length) {
      notes.push(
        `Only the newest ${given.length} of ${days.length} days are listed; their figures are over all. Ask for earlier ones with end.`,
      )
    }
  }
  return { parts: byName.flatMap((one) => shown.get(one) ?? []), hidden, notes }
}
