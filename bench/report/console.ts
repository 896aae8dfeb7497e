import type { Result } from '../frame/verdict.ts'
import { amount, ratioText, targetText } from './numbers.ts'

/** A measure as lines of a terminal; `seconds` is what it took to make. */
export function consoleLines(result: Result, seconds: number): string[] {
  const { name, ratio, ours, reference, unit, figures, notes, met } = result
  const sides =
    ours === undefined || reference === undefined
      ? ''
      : `   ours ${amount(ours, unit)}, reference ${amount(reference, unit)}`
  return [
    `${[met ? 'ok  ' : 'MISS', name.padEnd(28), ...(ratio === undefined ? [] : [ratioText(ratio)]), targetText(result)].join(' ')}${sides}   [${seconds.toFixed(0)} s]`,
    ...figures.map(({ name: figure, value, unit: of, atMost }) => {
      const bound = atMost === undefined ? '' : ` (at most ${amount(atMost, of)})`
      return `       ${figure}: ${amount(value, of)}${bound}`
    }),
    ...notes.map((note) => `       ${note}`),
  ]
}
