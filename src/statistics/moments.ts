import { extent, fsum } from 'd3-array'

/** Mean and spread of numbers. */
export interface Moments {
  readonly mean: number
  /** Sample standard deviation (n − 1); undefined for fewer than two numbers. */
  readonly sd: number | undefined
}

/** From here on sums and squares may leave the doubles, unless all numbers are made smaller first. */
const large = 1e100
const smaller = 2 ** -600

/**
 * Mean and sample standard deviation in two passes, each of exact sums (Shewchuk 1997), so that the order in which the numbers
 * came changes no digit; undefined for no numbers.
 */
export function momentsOf(numbers: readonly number[]): Moments | undefined {
  const [min, max] = extent(numbers)
  if (min === undefined || max === undefined) return undefined
  if (max < large && min > -large) return momentsWithin(numbers, min, max)
  const { mean, sd } = momentsWithin(
    numbers.map((number) => number * smaller),
    min * smaller,
    max * smaller,
  )
  return { mean: mean / smaller, sd: sd === undefined ? undefined : sd / smaller }
}

function momentsWithin(numbers: readonly number[], min: number, max: number): Moments {
  // A division rounds, but the mean of equal numbers is that number.
  const mean = Math.min(max, Math.max(min, fsum(numbers) / numbers.length))
  const squares = fsum(numbers, (number) => (number - mean) ** 2)
  return { mean, sd: numbers.length < 2 ? undefined : Math.sqrt(squares / (numbers.length - 1)) }
}
