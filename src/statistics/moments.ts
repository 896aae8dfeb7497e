/** Mean and spread of numbers. */
export interface Moments {
  readonly mean: number
  /** Sample standard deviation (n − 1); undefined for fewer than two numbers. */
  readonly sd: number | undefined
}

/** Mean and sample standard deviation by Welford's method, stable where the mean is large; undefined for no numbers. */
export function momentsOf(numbers: readonly number[]): Moments | undefined {
  if (numbers.length === 0) return undefined
  let mean = 0
  let squares = 0
  for (const [index, number] of numbers.entries()) {
    const delta = number - mean
    mean += delta / (index + 1)
    squares += delta * (number - mean)
  }
  return { mean, sd: numbers.length < 2 ? undefined : Math.sqrt(squares / (numbers.length - 1)) }
}
