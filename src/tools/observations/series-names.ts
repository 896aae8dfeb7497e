import type { ParametersParameter } from '../../fhir/types.ts'
import { oneLine } from '../../results/line.ts'
import { nameWord, statisticWord, unitWord } from '../../results/own-words.ts'
import type { Series } from '../../statistics/series.ts'

/** Whether nothing in a series was ever meant to be a number. */
export function isWords({ description, excluded }: Pick<Series, 'description' | 'excluded'>): boolean {
  return description === undefined && excluded.size === 1 && excluded.has('not a number')
}

/** A series in words, what the exchange calls it in quotes. */
export function nameOf({
  type,
  component,
  unit,
  statistic,
}: Pick<Series, 'type' | 'component' | 'unit' | 'statistic'>): string {
  return [
    nameWord(type),
    component === undefined ? undefined : nameWord(component),
    statistic === undefined ? undefined : statisticWord(statistic),
    unit === undefined ? undefined : unitWord(unit.label),
  ]
    .filter((one) => one !== undefined)
    .join(' ')
}

/** The same as an element of an answer has it. */
export function plainNameOf({ type, component, unit, statistic }: Parameters<typeof nameOf>[0]): string {
  return oneLine([type, component, statistic, unit?.label].filter((one) => one !== undefined).join(' '))
}

/** Bytes that the names of what is no number take in an answer. */
const mostNameBytes = 4096

/** Names of what is no number as parameters, as far as an answer can bear, and how many more there are. */
export function wordsParameters(names: readonly string[]): ParametersParameter[] {
  let left = mostNameBytes
  const cut = names.findIndex((name) => {
    left -= Buffer.byteLength(name) + 40
    return left < 0
  })
  const shown = cut === -1 ? names : names.slice(0, cut)
  return [
    ...shown.map((valueString) => ({ name: 'notNumbers', valueString })),
    ...(cut === -1 ? [] : [{ name: 'moreNotNumbers', valueInteger: names.length - cut }]),
  ]
}
