/** Smallest, largest and middle of numbers. */
export interface OrderStatistics {
  readonly min: number
  readonly max: number
  /** The middle one, or the mean of the two in the middle. */
  readonly median: number
}

/** Minimum, maximum and median; undefined for no numbers. */
export function orderOf(numbers: readonly number[]): OrderStatistics | undefined {
  const sorted = Float64Array.from(numbers).sort()
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.floor(sorted.length / 2)]
  const [min, max] = [sorted[0], sorted[sorted.length - 1]]
  if (low === undefined || high === undefined || min === undefined || max === undefined) return undefined
  return { min, max, median: low === high ? low : (low + high) / 2 }
}
