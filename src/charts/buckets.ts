import { orderOf } from '../statistics/order.ts'
import { gapRule, runsOf } from './gaps.ts'
import type { Point } from './panel.ts'

/** Readings of one stretch of time: no lowest and no highest one is lost in it. */
export interface Bucket {
  /** The middle of the stretch. */
  readonly at: number
  readonly low: number
  readonly high: number
  readonly median: number
  /** Times of its own first and last reading. */
  readonly first: number
  readonly last: number
}

/** A length of time and its name. */
export interface Width {
  readonly length: number
  readonly name: string
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/**
 * Lengths that people think in. Each divides a day, or is made of days; none is near half a day, where nights and days would
 * take turns.
 */
const widths: readonly Width[] = [
  ...[1, 2, 5, 10, 15, 30].map((n) => ({ length: n * second, name: `${n} s` })),
  ...[1, 2, 5, 10, 15, 30].map((n) => ({ length: n * minute, name: `${n} min` })),
  ...[1, 2, 3, 4].map((n) => ({ length: n * hour, name: `${n} h` })),
  { length: day, name: 'day' },
  { length: 2 * day, name: '2 days' },
  { length: 7 * day, name: 'week' },
  ...[2, 4, 13, 26, 52].map((n) => ({ length: n * 7 * day, name: `${n} weeks` })),
]

/** The shortest length of which at most `most` fill a span. */
export function widthFor(span: number, most: number): Width {
  const fitting = widths.find(({ length }) => span / length <= most)
  if (fitting !== undefined) return fitting
  const years = Math.ceil(span / (364 * day) / most)
  return { length: years * 364 * day, name: `${years * 52} weeks` }
}

/** More readings than this in a stretch, on average, run into each other; and so do more than `mostSingle` in all. */
const mostInStretch = 3
const mostSingle = 500

/** Whether readings are too many to be drawn one by one. */
export function areDense(ordered: readonly { readonly at: number }[], { length }: Width): boolean {
  const stretches = new Set(ordered.map(({ at }) => indexOf(at, length)))
  return ordered.length > mostSingle || ordered.length > mostInStretch * stretches.size
}

/** Puts readings, in order of time, into stretches of one length; those without a reading are not there. */
export function bucketsOf(ordered: readonly Point[], { length }: Width): Bucket[] {
  const buckets: Bucket[] = []
  let held: Point[] = []
  const close = () => {
    const bucket = bucketOf(held, length)
    if (bucket !== undefined) buckets.push(bucket)
    held = []
  }
  for (const point of ordered) {
    const [first] = held
    if (first !== undefined && indexOf(first.at, length) !== indexOf(point.at, length)) close()
    held.push(point)
  }
  close()
  return buckets
}

/**
 * Stretches in runs without a gap; the rule is that of the readings themselves. Neighbours stay together: there is no room
 * between them.
 */
export function bucketRunsOf(ordered: readonly Point[], width: Width): Bucket[][] {
  const isGap = gapRule(ordered.map(({ at }) => at))
  return runsOf(
    bucketsOf(ordered, width),
    (before, after) => after.at - before.at > 1.5 * width.length && isGap(before.last, after.first),
  )
}

function bucketOf(points: readonly Point[], length: number): Bucket | undefined {
  const order = orderOf(points.map(({ value }) => value))
  const [first, last] = [points[0], points.at(-1)]
  if (order === undefined || first === undefined || last === undefined) return undefined
  const at = (indexOf(first.at, length) + 0.5) * length
  return { at, low: order.min, high: order.max, median: order.median, first: first.at, last: last.at }
}

function indexOf(at: number, length: number): number {
  return Math.floor(at / length)
}
