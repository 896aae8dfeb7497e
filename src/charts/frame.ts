import type { TopLevelSpec } from 'vega-lite'
import { dayLength } from './panel.ts'
import type { Theme } from './theme.ts'

type Concat = Extract<TopLevelSpec, { vconcat: unknown }>
/** A panel in Vega-Lite: layers over one pair of axes. */
export type PanelSpec = Extract<Concat['vconcat'][number], { layer: unknown }>
export type LayerSpec = PanelSpec['layer'][number]

/** What all panels of a picture share. */
export interface Frame {
  /** First and last moment of the time axis, on the wall clock. */
  readonly from: number
  readonly to: number
  readonly theme: Theme
  /** Height of one panel in CSS pixels. */
  readonly height: number
}

/** CSS pixels; pictures are drawn with two dots for each. The whole card is 600 wide. */
export const plotWidth = 504

/** What a panel's own file gives: its layers, the range of its values, and what to say of how it is drawn. */
export interface Drawn {
  readonly layers: readonly LayerSpec[]
  readonly values: ValueAxis
  /** In the picture, below the panel's title. */
  readonly caption?: string
  /** In words beside the picture. */
  readonly note?: string
}

/** The axis of values. */
export interface ValueAxis {
  readonly from: number
  readonly to: number
  readonly nice: boolean
  /** Fixed ticks, and the Vega expression of their labels, where they are not plain numbers. */
  readonly ticks?: { readonly values: readonly number[]; readonly label: string }
  /** Whether the larger value is below. */
  readonly isReversed?: boolean
}

/** Where there are more readings than dots to draw them, they are put into stretches of this many CSS pixels. */
export const bucketPixels = 3
/** Up to here every reading has a mark of its own. */
export const mostMarked = 70

/** Part of a day that its bar covers, and the widest that a bar gets, in CSS pixels. */
const share = 0.78
const widest = 44

/** From where to where the bar of a day goes. */
export function barOf(day: number, { from, to }: Frame): { readonly at: number; readonly end: number } {
  const half = Math.min(share * dayLength, ((to - from) * widest) / plotWidth) / 2
  const noon = day + dayLength / 2
  return { at: noon - half, end: noon + half }
}

/** Field names that every layer uses for its time. */
export const timeField = { field: 'at', type: 'temporal' } as const

/** The value scale of a panel, from its values: a little room around them. */
export function around(numbers: Iterable<number>, unit: string): ValueAxis {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const number of numbers) {
    low = Math.min(low, number)
    high = Math.max(high, number)
  }
  if (low === high) {
    const room = low === 0 ? 1 : Math.abs(low) * 0.1
    return { from: low - room, to: high + room, nice: true }
  }
  const room = (high - low) * 0.06
  // A share of a whole has an end, and most things are never below 0.
  const isShare = unit === '%' && low >= 0 && high <= 100
  const [from, to] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room]
  return isShare && to > 100 ? { from, to: 100, nice: false } : { from, to, nice: !isShare }
}

/** The time axis: UTC, because times are wall-clock times already. */
export function timeAxis({ from, to, theme }: Frame, hasLabels: boolean) {
  return {
    ...timeField,
    title: null,
    scale: { type: 'utc', domain: [from, to], nice: false },
    axis: {
      grid: true,
      tickCount: 6,
      labels: hasLabels,
      ticks: hasLabels,
      labelExpr: timeLabel(to - from),
      labelFlush: false,
      labelOverlap: 'greedy',
      labelSeparation: 4,
      domain: true,
      domainColor: theme.axis,
    },
  } as const
}

/** How much of a date a label needs; a day begins with its date where hours are shown. */
function timeLabel(span: number): string {
  const time = `utcFormat(datum.value, '${span <= 5 * 60_000 ? '%H:%M:%S' : '%H:%M'}')`
  const isMidnight = 'utchours(datum.value) === 0 && utcminutes(datum.value) === 0'
  if (span <= 6 * dayLength) return `${isMidnight} ? utcFormat(datum.value, '%-d %b') : ${time}`
  if (span <= 200 * dayLength) return "utcFormat(datum.value, '%-d %b')"
  return span <= 5 * 366 * dayLength ? "utcFormat(datum.value, '%b %Y')" : "utcFormat(datum.value, '%Y')"
}
