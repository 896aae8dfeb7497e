/** A reading: `at` is the wall-clock time in milliseconds, as if it were UTC. */
export interface Point {
  readonly at: number
  readonly value: number
}

/** A measurement of blood pressure; a side that is no plain number is undefined. */
export interface Pressure {
  readonly at: number
  readonly systolic: number | undefined
  readonly diastolic: number | undefined
}

/** A bar, or the part of one, on a day: `day` is its midnight. */
export interface Bar {
  readonly day: number
  readonly part: string
  readonly value: number
}

/** A sleep on the clock of the day on which it ends: hours since that day's midnight, negative on the evening before. */
export interface Stretch {
  readonly day: number
  readonly from: number
  readonly to: number
}

interface Head {
  /** Short name of its type, or what it was asked for by. */
  readonly type: string
  readonly title: string
  readonly unit: string
}

/** Readings that form a line, or (`joined` false) stand each for itself. */
export type LinePanel = Head & {
  readonly kind: 'line'
  readonly joined: boolean
  readonly points: readonly Point[]
}
export type PressurePanel = Head & { readonly kind: 'pressure'; readonly readings: readonly Pressure[] }
/** Bars of days; `parts` are stacked in their order. */
export type BarsPanel = Head & {
  readonly kind: 'bars'
  readonly parts: readonly string[]
  readonly bars: readonly Bar[]
}
export type ClockPanel = Head & { readonly kind: 'clock'; readonly stretches: readonly Stretch[] }

/** What one pair of axes shows: one type in one unit. Everything in it is in order of time. */
export type Panel = LinePanel | PressurePanel | BarsPanel | ClockPanel

export const dayLength = 86_400_000

/** First and last moment of a panel. */
export function extentOf(panel: Panel): readonly [number, number] {
  switch (panel.kind) {
    case 'line':
      return ends(panel.points.map(({ at }) => [at, at]))
    case 'pressure':
      return ends(panel.readings.map(({ at }) => [at, at]))
    case 'bars':
      return ends(panel.bars.map(({ day }) => [day, day + dayLength - 1]))
    case 'clock':
      return ends(panel.stretches.map(({ day }) => [day, day + dayLength - 1]))
  }
}

/** The whole of each day, by its midnight. */
export function totalsOf(bars: readonly Bar[]): Map<number, number> {
  const sums = new Map<number, number>()
  for (const { day, value } of bars) sums.set(day, (sums.get(day) ?? 0) + value)
  return sums
}

function ends(stretches: readonly (readonly [number, number])[]): readonly [number, number] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [from, to] of stretches) {
    first = Math.min(first, from)
    last = Math.max(last, to)
  }
  return [first, last]
}
