import { around, barOf, type Drawn, type Frame, plotWidth } from '../frame.ts'
import { type Bar, type BarsPanel, dayLength, type Point, totalsOf } from '../panel.ts'
import { denseLine } from './line.ts'

/** A bar with its place in the stack of its day. */
interface Stacked {
  readonly at: number
  readonly end: number
  readonly low: number
  readonly high: number
  readonly part: string
}

/** Bars of days that are thinner than this, in CSS pixels, run into each other. */
const thinnest = 2.2

/** Bars of days, from 0; a day without data has none. Parts are stacked. Too many days for bars are a band of their totals. */
export function barsPanel({ title, bars, parts, unit }: BarsPanel, frame: Frame): Drawn {
  const { from, to, theme } = frame
  const rows = stacked(bars, parts, frame)
  const values = around(
    rows.map(({ high }) => high),
    unit,
  )
  const fromZero = { ...values, from: Math.min(0, values.from) }
  if ((plotWidth * dayLength) / (to - from) < thinnest) {
    return { values: fromZero, ...denseLine({ title, points: totals(bars) }, frame, 'day') }
  }
  const hasParts = parts.length > 1
  return {
    layers: [
      {
        data: { values: rows },
        mark: { type: 'bar', color: theme.main },
        encoding: {
          x: { field: 'at', type: 'temporal' },
          x2: { field: 'end' },
          y: { field: 'low', type: 'quantitative' },
          y2: { field: 'high' },
          ...(hasParts
            ? {
                color: {
                  field: 'part',
                  type: 'nominal',
                  scale: { domain: [...parts], range: parts.map((part) => theme.parts[part] ?? theme.main) },
                  legend: legend(),
                },
              }
            : {}),
        },
      },
    ],
    values: fromZero,
  }
}

function legend() {
  return {
    orient: 'none',
    direction: 'horizontal',
    title: null,
    symbolType: 'square',
    // In the line of the unit.
    legendX: 0,
    legendY: -25,
    columnPadding: 14,
  } as const
}

/** The whole of each day, in its middle. */
function totals(bars: readonly Bar[]): Point[] {
  const points = [...totalsOf(bars)].map(([day, value]) => ({ at: day + dayLength / 2, value }))
  return points.sort((a, b) => a.at - b.at)
}

function stacked(bars: readonly Bar[], parts: readonly string[], frame: Frame): Stacked[] {
  const tops = new Map<number, number>()
  return bars
    .toSorted((a, b) => a.day - b.day || parts.indexOf(a.part) - parts.indexOf(b.part))
    .map(({ day, part, value }) => {
      const low = tops.get(day) ?? 0
      tops.set(day, low + value)
      return { ...barOf(day, frame), low, high: low + value, part }
    })
}
