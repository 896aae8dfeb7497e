import type { ParametersParameter } from '../../fhir/types.ts'
import { gapParameters } from '../../results/gaps.ts'
import { barred, oneLine } from '../../results/line.ts'
import { nameWord, statisticWord, unitWord } from '../../results/own-words.ts'
import { codeParameter, numberParameter } from '../../results/parameters.ts'
import { allQuoted } from '../../results/quoted.ts'
import type { ReadingTime } from '../../results/reading-time.ts'
import { reasonText } from '../../results/standing.ts'
import type { Unit } from '../../results/values.ts'
import { isoWeekOf } from '../../statistics/iso-week.ts'
import type { PatientReadings } from '../../statistics/patient-readings.ts'
import { percentilePoints, percentilesOf } from '../../statistics/percentiles.ts'
import { rounded } from '../../statistics/rounding.ts'
import type { Series } from '../../statistics/series.ts'
import type { StudySeries } from '../../statistics/study-series.ts'
import type { PatientOutcome } from './patients-line.ts'
import { isWords, nameOf } from './series-names.ts'
import {
  convertedParameters,
  convertedText,
  excludedParameters,
  mostCodes,
  type SummaryPart,
} from './summary-parts.ts'

const noUnit: Unit = { label: '', system: undefined, code: undefined }
const figures = ['min', 'max', 'mean', 'median', 'sd'] as const

type Described = Pick<StudySeries, 'description' | 'percentiles'>

/** A series over patients, in FHIR and in words; `weeks` are its rows by week, which stand within it. */
export function studySeriesPart(series: StudySeries, weeks: readonly SummaryPart[]): SummaryPart {
  const { unit = noUnit, codes, description, patients, undated, withoutDay } = series
  const parameter = {
    name: 'series',
    part: [
      ...headOf(series),
      ...codes.slice(0, mostCodes).map((code) => codeParameter('code', code)),
      { name: 'patients', valueInteger: patients },
      { name: 'n', valueInteger: description?.n ?? 0 },
      ...excludedParameters(series),
      ...convertedParameters(series),
      ...(undated === 0 ? [] : [{ name: 'undated', valueInteger: undated }]),
      ...(withoutDay === 0 ? [] : [{ name: 'withoutDay', valueInteger: withoutDay }]),
      ...timeParameter('first', series.first),
      ...timeParameter('last', series.last),
      ...figuresOf(series).map(([name, value]) => numberParameter(name, value, unit)),
      ...weeks.map((week) => week.parameter),
    ],
  }
  const line = barred([
    [series.type, series.component].flatMap((one) => (one === undefined ? [] : [nameWord(one)])).join(', '),
    series.statistic === undefined ? undefined : `${statisticWord(series.statistic)}, not single readings`,
    series.unit === undefined ? 'no unit' : unitWord(series.unit.label),
    `${patients} patients`,
    ...measured(series),
    undated === 0 ? undefined : `${undated} undated`,
  ])
  return {
    parameter,
    line: [oneLine(line, Number.POSITIVE_INFINITY), ...weeks.map((week) => week.line)].join('\n'),
  }
}

/** A series in one ISO week, given by its Monday. Its numbers have the unit of the series that it stands in. */
export function weekPart(start: string, series: StudySeries): SummaryPart {
  const { label } = isoWeekOf(start)
  const { patients, description } = series
  const said = figuresOf(series).map(([name, value]) => `${wordOf(name)} ${figureText(name, value)}`)
  return {
    parameter: {
      name: 'week',
      part: [
        { name: 'label', valueString: label },
        { name: 'start', valueDate: start },
        { name: 'patients', valueInteger: patients },
        { name: 'n', valueInteger: description?.n ?? 0 },
        ...figuresOf(series).map(([name, value]) => ({ name, valueDecimal: value })),
      ],
    },
    line: `  ${label} (from ${start}): ${[`${patients} patients`, `n ${description?.n ?? 0}`, ...said].join(', ')}`,
  }
}

/**
 * What a patient has: a part for each series, its numbers in the unit that the part names. `most` bounds how many series are
 * given; how many are left out is said.
 */
export function patientPart(
  patient: string,
  codes: readonly string[],
  { gathered: readings, gaps }: Extract<PatientOutcome<PatientReadings>, { gathered: unknown }>,
  most = Number.POSITIVE_INFINITY,
): SummaryPart {
  const numeric = readings.series.filter((series) => !isWords(series))
  const shown = numeric.slice(0, most)
  const excluded = [...readings.excluded.values()].reduce((sum, n) => sum + n, 0)
  const hidden = numeric.length - shown.length
  const parameter = {
    name: 'patient',
    part: [
      { name: 'reference', valueReference: { reference: `Patient/${patient}` } },
      ...codes.map((code) => ({ name: 'participantCode', valueString: oneLine(code) })),
      { name: 'observations', valueInteger: readings.observations - excluded },
      ...(excluded === 0 ? [] : [{ name: 'excludedObservations', valueInteger: excluded }]),
      ...gapParameters(gaps),
      ...(hidden === 0 ? [] : [{ name: 'seriesLeftOut', valueInteger: hidden }]),
      ...shown.map(patientSeries),
    ],
  }
  const line = barred([
    `Patient/${patient}`,
    allQuoted(codes),
    readings.observations === excluded && gaps.length === 0
      ? 'no observations'
      : `${readings.observations - excluded} observations`,
    ...[...readings.excluded].map(([why, n]) => `${n} left out ${reasonText(why)}`),
    gaps.length === 0 ? undefined : 'PARTIAL: something may be missing',
    hidden === 0
      ? undefined
      : `${hidden} series left out for size: summarize_patient_observations gives them`,
  ])
  return { parameter, line: [line, ...shown.map(patientLine)].join('\n') }
}

/** A patient of whom nothing is in any number. */
export function notReadPart(patient: string, reason: string): SummaryPart {
  return {
    parameter: {
      name: 'notRead',
      part: [
        { name: 'reference', valueReference: { reference: `Patient/${patient}` } },
        { name: 'reason', valueString: reason },
      ],
    },
    line: barred([`Patient/${patient}`, `NOT READ: ${reason}`]),
  }
}

function patientSeries(series: Series): ParametersParameter {
  const described = describedOf(series)
  return {
    name: 'series',
    part: [
      ...headOf(series),
      { name: 'n', valueInteger: series.description?.n ?? 0 },
      ...excludedParameters(series),
      ...convertedParameters(series),
      ...timeParameter('first', series.first),
      ...timeParameter('last', series.last),
      ...figuresOf(described).map(([name, value]) => ({ name, valueDecimal: value })),
    ],
  }
}

function patientLine(series: Series): string {
  const said = measured({ ...series, ...describedOf(series) }).filter((one) => one !== undefined)
  return `  ${oneLine(`${nameOf(series)}: ${said.join(', ')}`, Number.POSITIVE_INFINITY)}`
}

function describedOf({ description, numbers }: Series): Described {
  return { description, percentiles: percentilesOf(numbers) }
}

function headOf({
  type,
  component,
  statistic,
  unit,
}: Pick<Series, 'type' | 'component' | 'statistic' | 'unit'>): ParametersParameter[] {
  return [
    { name: 'type', valueString: type },
    ...(component === undefined ? [] : [{ name: 'component', valueString: component }]),
    ...(statistic === undefined ? [] : [{ name: 'statistic', valueString: statistic }]),
    ...(unit === undefined ? [] : [{ name: 'unit', valueString: unit.label }]),
  ]
}

function timeParameter(name: string, time: ReadingTime | undefined): ParametersParameter[] {
  const written = time?.start ?? time?.end
  return written === undefined ? [] : [{ name, valueDateTime: written }]
}

/** The figures of a series by name: minimum and maximum as given, the others computed and not rounded. */
function figuresOf({ description, percentiles }: Described): (readonly [string, number])[] {
  if (description === undefined || percentiles === undefined) return []
  const known = figures.flatMap((name) => {
    const value = description[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return [...known, ...percentilePoints.map((point) => [`p${point}`, percentiles[point]] as const)]
}

function measured(
  series: Described & Pick<Series, 'excluded' | 'converted' | 'first' | 'last'>,
): (string | undefined)[] {
  const { description, excluded, first, last } = series
  const left = [...excluded].map(([why, n]) => `${why} ${n}`).join(', ')
  return [
    `n ${description?.n ?? 0}`,
    left === '' ? undefined : `excluded: ${left}`,
    convertedText(series),
    first === undefined || last === undefined ? undefined : `${first.text} to ${last.text}`,
    ...figuresOf(series).map(([name, value]) => `${wordOf(name)} ${figureText(name, value)}`),
  ]
}

function figureText(name: string, value: number): string {
  return name === 'min' || name === 'max' ? String(value) : rounded(value)
}

function wordOf(name: string): string {
  return name === 'sd' ? 'SD' : name
}
