import { z } from 'zod'
import { isImported } from '../fhir/imported.ts'
import type { ParametersParameter } from '../fhir/types.ts'
import { gapParameters, gapTexts } from '../results/gaps.ts'
import { someOf } from '../results/line.ts'
import { parametersOf } from '../results/parameters.ts'
import { readingTime } from '../results/reading-time.ts'
import { singleAnswer } from '../results/single.ts'
import { type NotSummarised, notSummarised, reasonText } from '../results/standing.ts'
import { contributionsOf } from '../statistics/contributions.ts'
import { collectSeries, type Series } from '../statistics/series.ts'
import type { Period } from './arguments/period.ts'
import { observationArguments, observationRule, patientArguments } from './observations/arguments.ts'
import { askedObservations, askedParameters, patientSubject, wordingOf } from './observations/asked.ts'
import { countsOfDays, isSummed, summedType, sumNotes } from './observations/day-counts.ts'
import { endNotes } from './observations/end-notes.ts'
import { importNotes, importParameters, readText } from './observations/import-notes.ts'
import { readAll } from './observations/read-all.ts'
import { convertedNotes, leftOutNotes, noRemarks, remark, wordNotes } from './observations/remarks.ts'
import { isWords, nameOf, wordsParameters } from './observations/series-names.ts'
import { daysOf, type SummaryPart, seriesPart } from './observations/summary-parts.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({ ...patientArguments, ...observationArguments })

/** Bytes set aside for what was asked and for notes; text takes about as much as a third of the rest. */
const frame = 6144

/** Describes the observations of one patient by type and unit. */
export const summarizePatientObservations = defineTool({
  name: 'summarize_patient_observations',
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
    const collector = collectSeries(({ type }) => type.key === summedType)
    const excluded = new Map<NotSummarised, number>()
    let read = 0
    let imported = 0
    const { end, gaps } = await readAll(context, asked.filter, (observation) => {
      read += 1
      if (isImported(observation)) imported += 1
      const why = notSummarised(observation)
      if (why !== undefined) excluded.set(why, (excluded.get(why) ?? 0) + 1)
      const time = readingTime(observation, zone)
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
      ...[...excluded].map(([status, n]) => ({
        name: 'excludedObservations',
        part: [
          { name: 'reason', valueString: status },
          { name: 'n', valueInteger: n },
        ],
      })),
      { name: 'complete', valueBoolean: end === 'complete' && gaps.length === 0 },
      ...gapParameters(gaps),
      ...wordsParameters(words.map(nameOf)),
      { name: 'asOf', valueInstant: asOf },
    ]
    const wording = `Summary of the observations of Patient/${patient}, ${wordingOf(asked, grant)}`
    const fixed = Buffer.byteLength(JSON.stringify(head)) + Buffer.byteLength(wording)
    const laid = layOut(numeric, asked.period, byteBudget - frame - fixed)
    return singleAnswer({
      asked: wording,
      resource: parametersOf([...head, ...laid.parts.map(({ parameter }) => parameter)]),
      lines: [readText(read, imported), ...laid.parts.map(({ line }) => line)],
      notes: [
        ...gapTexts(gaps),
        ...endNotes(end, read),
        ...[...excluded].map(([why, n]) => `Left out of every number ${reasonText(why)}: ${n}.`),
        ...leftOutNotes(remarks),
        ...convertedNotes(remarks),
        ...(await importNotes(context, imported)),
        ...laid.notes,
        ...wordNotes(remarks),
        ...(read === 0 && end === 'complete' && gaps.length === 0 ? [await whyEmpty(asked, context)] : []),
      ],
      byteBudget,
      asOf,
    })
  },
})

interface LaidOut {
  readonly parts: readonly SummaryPart[]
  readonly notes: readonly string[]
}

/** The series that fit, those with most values first in line, then the single days; what is left out is said. */
function layOut(series: readonly Series[], period: Period, bytes: number): LaidOut {
  const notes: string[] = []
  let left = bytes
  const fits = (part: SummaryPart) => {
    left -= Buffer.byteLength(JSON.stringify(part.parameter)) + Buffer.byteLength(part.line) + 2
    return left >= 0
  }
  const bySize = series.toSorted((a, b) => (b.description?.n ?? 0) - (a.description?.n ?? 0))
  const shown = new Map<Series, SummaryPart[]>()
  const summed = new Map<Series, readonly SummaryPart[]>()
  for (const one of bySize) {
    const part = seriesPart(one)
    if (!fits(part)) break
    shown.set(one, [part])
    if (!isSummed(one)) continue
    const within = countsOfDays(one, period)
    const { all, days } = daysOf(within, period.timeZone)
    if (!fits(all)) break
    shown.get(one)?.push(all)
    summed.set(one, days)
    notes.push(...sumNotes(within, period.timeZone, one.timed.length - within.timed.length))
  }
  const hidden = series.filter((one) => !shown.has(one))
  if (hidden.length > 0) {
    notes.push(`Left out for size: ${someOf(hidden.map(nameOf))}. Ask for each with data_type.`)
  }
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
  return { parts: series.flatMap((one) => shown.get(one) ?? []), notes }
}
