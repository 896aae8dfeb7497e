/** The middle of some numbers: of an even count, the mean of the two in the middle. Throws for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (upper === undefined || lower === undefined) throw new RangeError('The median of nothing')
  return (lower + upper) / 2
}

/** The middle of some numbers, with the smallest and the largest. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The spread of some numbers. Throws for none. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}
