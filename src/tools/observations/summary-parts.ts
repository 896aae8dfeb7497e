import type { ParametersParameter } from '../../fhir/types.ts'
import { barred, oneLine } from '../../results/line.ts'
import { nameWord, statisticWord, unitWord } from '../../results/own-words.ts'
import { codeParameter, numberParameter } from '../../results/parameters.ts'
import type { ReadingTime } from '../../results/reading-time.ts'
import type { Unit } from '../../results/values.ts'
import { sumsPerDay } from '../../statistics/days.ts'
import { describeNumbers } from '../../statistics/description.ts'
import { rounded } from '../../statistics/rounding.ts'
import type { Series } from '../../statistics/series.ts'

/** A part of a summary, as a parameter and as a line of text. */
export interface SummaryPart {
  readonly parameter: ParametersParameter
  readonly line: string
}

/** Codes of a series that an answer names. */
export const mostCodes = 20
const noUnit: Unit = { label: '', system: undefined, code: undefined }
const figures = ['min', 'max', 'mean', 'median', 'sd'] as const

/** A series in FHIR and in words. Minimum and maximum are values as given; computed ones are rounded in the text only. */
export function seriesPart(series: Series): SummaryPart {
  const { type, component, statistic, unit = noUnit, codes, description, undated } = series
  const part: ParametersParameter[] = [
    { name: 'type', valueString: type },
    ...(component === undefined ? [] : [{ name: 'component', valueString: component }]),
    ...(statistic === undefined ? [] : [{ name: 'statistic', valueString: statistic }]),
    ...(unit.label === '' ? [] : [{ name: 'unit', valueString: unit.label }]),
    ...codes.slice(0, mostCodes).map((code) => codeParameter('code', code)),
    { name: 'n', valueInteger: description?.n ?? 0 },
    ...excludedParameters(series),
    ...convertedParameters(series),
    ...(undated === 0 ? [] : [{ name: 'undated', valueInteger: undated }]),
    ...timeParameter('first', series.first),
    ...timeParameter('last', series.last),
    ...figures.flatMap((figure) => {
      const value = description?.[figure]
      return value === undefined ? [] : [numberParameter(figure, value, unit)]
    }),
  ]
  return { parameter: { name: 'series', part }, line: lineOf(series) }
}

/** The values that are in no number of a series, per reason. */
export function excludedParameters({ excluded }: Pick<Series, 'excluded'>): ParametersParameter[] {
  return [...excluded].map(([why, n]) => ({
    name: 'excluded',
    part: [
      { name: 'reason', valueString: why },
      { name: 'n', valueInteger: n },
    ],
  }))
}

/** How many readings of a series were converted, by the unit that they came in. */
export function convertedParameters({ converted }: Pick<Series, 'converted'>): ParametersParameter[] {
  return [...converted].map(([unit, n]) => ({
    name: 'converted',
    part: [
      { name: 'unit', valueString: unit },
      { name: 'n', valueInteger: n },
    ],
  }))
}

/** The same in words; undefined where nothing was converted. */
export function convertedText({ converted }: Pick<Series, 'converted'>): string | undefined {
  const said = [...converted].map(([unit, n]) => `${n} of ${unitWord(unit)}`)
  return said.length === 0 ? undefined : `converted: ${said.join(', ')}`
}

/** Sums per day of a series, newest first: what is said of all days, and each day. */
export function daysOf(
  series: Series,
  zone: string,
): { readonly all: SummaryPart; readonly days: SummaryPart[] } {
  const unit = series.unit ?? noUnit
  const sums = sumsPerDay(series.timed, zone)
  const description = describeNumbers(sums.map(({ sum }) => sum))
  const statistic =
    series.statistic === undefined ? [] : [{ name: 'statistic', valueString: series.statistic }]
  const label = series.unit === undefined ? '' : ` ${unitWord(unit.label)}`
  const part: ParametersParameter[] = [
    { name: 'type', valueString: series.type },
    ...statistic,
    { name: 'timeZone', valueString: zone },
    { name: 'days', valueInteger: sums.length },
    { name: 'withoutDay', valueInteger: series.withoutDay },
    ...figures.flatMap((figure) => {
      const value = description?.[figure]
      return value === undefined ? [] : [numberParameter(figure, value, unit)]
    }),
  ]
  const said = figures.flatMap((figure) => {
    const value = description?.[figure]
    return value === undefined ? [] : [`${figure === 'sd' ? 'SD' : figure} ${rounded(value)}`]
  })
  const line = barred([
    `${nameWord(series.type)} per day${label}`,
    series.statistic === undefined ? undefined : `of values that are a ${statisticWord(series.statistic)}`,
    `${sums.length} days with data`,
    ...said,
    series.withoutDay === 0 ? undefined : `${series.withoutDay} without a day left out`,
  ])
  const days = sums.toReversed().map(({ day, sum, n }) => ({
    parameter: {
      name: 'day',
      part: [
        { name: 'date', valueDate: day },
        ...statistic,
        numberParameter('sum', sum, unit),
        { name: 'n', valueInteger: n },
      ],
    },
    line: `  ${day}: ${sum}${label} (${n})`,
  }))
  return { all: { parameter: { name: 'perDay', part }, line }, days }
}

function lineOf({
  type,
  component,
  statistic,
  unit,
  description,
  excluded,
  first,
  last,
  undated,
  converted,
}: Series): string {
  const name = [type, component].flatMap((one) => (one === undefined ? [] : [nameWord(one)])).join(', ')
  const left = [...excluded].map(([why, n]) => `${why} ${n}`).join(', ')
  const line = barred([
    name,
    statistic === undefined ? undefined : `${statisticWord(statistic)}, not single readings`,
    unit === undefined ? 'no unit' : unitWord(unit.label),
    `n ${description?.n ?? 0}`,
    left === '' ? undefined : `excluded: ${left}`,
    convertedText({ converted }),
    first === undefined || last === undefined ? undefined : `${first.text} to ${last.text}`,
    undated === 0 ? undefined : `${undated} undated`,
    ...(description === undefined
      ? []
      : [
          `min ${description.min}`,
          `max ${description.max}`,
          `mean ${rounded(description.mean)}`,
          `median ${rounded(description.median)}`,
          description.sd === undefined ? undefined : `SD ${rounded(description.sd)}`,
        ]),
  ])
  return oneLine(line, Number.POSITIVE_INFINITY)
}

function timeParameter(name: string, time: ReadingTime | undefined): ParametersParameter[] {
  const written = time?.start ?? time?.end
  return written === undefined ? [] : [{ name, valueDateTime: written }]
}
