import type { Spread } from '../frame/statistics.ts'
import type { Result } from '../frame/verdict.ts'

/** A number in three significant digits, with its unit. */
export function amount(value: number, unit: string): string {
  const text = rounded(value)
  return unit === '' ? text : unit === '×' ? `${text}×` : `${text} ${unit}`
}

function rounded(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value)))))
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: 0 })
}

/** A ratio: the median, and from which to which the rounds went. */
export function ratioText({ median, least, most }: Spread): string {
  return `${rounded(median)}× (${rounded(least)}–${rounded(most)})`
}

/** What a ratio must reach. */
export function targetText({ target }: Pick<Result, 'target'>): string {
  if (target === undefined) return ''
  const way = target.of === 'ours ÷ reference' ? '' : ' faster'
  return `${target.bound === 'at most' ? '≤' : '≥'} ${rounded(target.value)}×${way}`
}
