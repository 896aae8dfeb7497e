import { someOf } from '../../results/line.ts'
import { nameWord, unitWord } from '../../results/own-words.ts'
import type { NotPlain } from '../../results/values.ts'
import type { Exclusion } from '../../statistics/contributions.ts'
import type { Series } from '../../statistics/series.ts'
import { convertedDigits } from '../../units/conversion.ts'
import { isWords, nameOf } from './series-names.ts'

type Remarked = Pick<
  Series,
  'type' | 'component' | 'statistic' | 'unit' | 'description' | 'excluded' | 'converted'
>

/** What has to be said of series besides their numbers: values that are in none, and readings that were converted. */
export interface Remarks {
  /** Values by the reason why they are in no number. */
  readonly leftOut: Map<Exclusion, number>
  /** Words, with how many values there are of each. */
  readonly words: Map<string, number>
  /** Converted readings by what they are of, the unit that they came in, and the unit that they are given in. */
  readonly converted: Map<string, number>
}

const reasonTexts: Readonly<Record<NotPlain, string>> = {
  absent: 'absent',
  comparator: 'with a comparator (such as <40)',
  'no value': 'without a value',
  'not a number': 'not a number',
  'not translated': 'not translated (their rows say why)',
  'out of range': 'larger than a number can be here',
  'unknown modifier': 'with a modifierExtension that is not understood',
}

/** Nothing to say yet. */
export function noRemarks(): Remarks {
  return { leftOut: new Map(), words: new Map(), converted: new Map() }
}

/** Adds series, each once. */
export function remark({ leftOut, words, converted }: Remarks, series: readonly Remarked[]): void {
  for (const one of series) {
    if (isWords(one)) {
      const name = nameOf(one)
      words.set(name, (words.get(name) ?? 0) + (one.excluded.get('not a number') ?? 0))
      continue
    }
    for (const [why, n] of one.excluded) leftOut.set(why, (leftOut.get(why) ?? 0) + n)
    for (const [unit, n] of one.converted) {
      const { type, component } = one
      const name = [type, component].flatMap((part) => (part === undefined ? [] : [nameWord(part)])).join(' ')
      const to = one.unit === undefined ? 'no unit' : unitWord(one.unit.label)
      const key = `${name} from ${unitWord(unit)} to ${to}`
      converted.set(key, (converted.get(key) ?? 0) + n)
    }
  }
}

/** Values that are in no number, per reason. Those of excluded observations are said with the observations. */
export function leftOutNotes({ leftOut }: Remarks): string[] {
  const said = [...leftOut].flatMap(([why, n]) => (isNotPlain(why) ? [`${reasonTexts[why]} ${n}`] : []))
  return said.length === 0 ? [] : [`Values left out of the numbers: ${said.join(', ')}.`]
}

/** What is no number at all. */
export function wordNotes({ words }: Remarks): string[] {
  if (words.size === 0) return []
  return [`Not numbers, so not summarised: ${someOf([...words].map(([name, n]) => `${name} (${n})`))}.`]
}

/** Which readings were converted, and how they are rounded. */
export function convertedNotes({ converted }: Remarks): string[] {
  if (converted.size === 0) return []
  const said = someOf([...converted].map(([what, n]) => `${what} ${n}`))
  return [
    `Converted by the exact factors of UCUM and rounded to ${convertedDigits} significant digits: ${said}.`,
  ]
}

function isNotPlain(why: Exclusion): why is NotPlain {
  return Object.hasOwn(reasonTexts, why)
}
