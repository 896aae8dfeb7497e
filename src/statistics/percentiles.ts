/** Percentiles that are given beside the median, which is the 50th by the same method. */
export const percentilePoints = [5, 25, 75, 95] as const
export type PercentilePoint = (typeof percentilePoints)[number]

/** The value of each point. */
export type Percentiles = Readonly<Record<PercentilePoint, number>>

/** The method, for those who want to compute the same. */
export const percentileMethod =
  'Hyndman and Fan type 7: linear interpolation between the two nearest values; the median is the 50th percentile.'

/** The percentiles of numbers; undefined for no numbers. */
export function percentilesOf(numbers: readonly number[]): Percentiles | undefined {
  if (numbers.length === 0) return undefined
  const sorted = Float64Array.from(numbers).sort()
  return {
    5: percentileOf(sorted, 5),
    25: percentileOf(sorted, 25),
    75: percentileOf(sorted, 75),
    95: percentileOf(sorted, 95),
  }
}

/**
 * A percentile (0 to 100, whole) of sorted numbers: `(n - 1) * p / 100` is where it stands among them, between two of them by
 * linear interpolation (Hyndman and Fan 1996, type 7). Where it stands is computed in whole numbers, so that a percentile that
 * is one of the values is exactly that value. NaN for no numbers.
 */
export function percentileOf(sorted: Float64Array, percent: number): number {
  const hundredths = (sorted.length - 1) * percent
  const below = Math.floor(hundredths / 100)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN
  const rest = hundredths % 100
  if (rest === 0 || low === high) return low
  if (rest === 50) return (low + high) / 2
  // Rounding must not lead out of the two.
  return Math.min(high, low + (high - low) * (rest / 100))
}
