import { momentsOf } from './moments.ts'
import { orderOf } from './order.ts'

/** What is said of a set of numbers. */
export interface Description {
  readonly n: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly median: number
  /** Sample standard deviation; undefined for one number. */
  readonly sd: number | undefined
}

/** Describes numbers; undefined where there are none. */
export function describeNumbers(numbers: readonly number[]): Description | undefined {
  const moments = momentsOf(numbers)
  const order = orderOf(numbers)
  if (moments === undefined || order === undefined) return undefined
  return { n: numbers.length, ...order, ...moments }
}
