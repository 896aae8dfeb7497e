import { areDense, type Bucket, bucketRunsOf, type Width, widthFor } from '../buckets.ts'
import {
  around,
  bucketPixels,
  type Drawn,
  type Frame,
  type LayerSpec,
  mostMarked,
  plotWidth,
  timeField,
} from '../frame.ts'
import { gapRule, runsOf } from '../gaps.ts'
import type { Point, Pressure, PressurePanel } from '../panel.ts'
import { bandMark, lineMark, pointMark } from './marks.ts'

const systolic = { field: 'systolic', type: 'quantitative' } as const
const diastolic = { field: 'diastolic', type: 'quantitative' } as const
const band = { x: timeField, y: diastolic, y2: { field: 'systolic' } } as const
const caption = 'Upper line: systolic. Lower line: diastolic.'

/** Blood pressure as a band from diastolic to systolic, with a line for each. */
export function pressurePanel(panel: PressurePanel, frame: Frame): Drawn {
  const { readings, unit } = panel
  const values = around(
    [...sideOf(readings, 'systolic'), ...sideOf(readings, 'diastolic')].map(({ value }) => value),
    unit,
  )
  const width = widthFor(frame.to - frame.from, plotWidth / bucketPixels)
  const isDense = readings.length > mostMarked && areDense(readings, width)
  const drawn = isDense ? dense(panel, frame, width) : { ...single(panel, frame), caption }
  return { values, ...drawn }
}

function single({ readings }: PressurePanel, { theme }: Frame): Pick<Drawn, 'layers'> {
  const isGap = gapRule(readings.map(({ at }) => at))
  const runs = runsOf(readings.filter(isWhole), (before, after) => isGap(before.at, after.at))
  const rows = runs.flatMap((run, index) => run.map((one) => ({ ...one, run: index })))
  const alone = runs.flatMap((run) => (run.length === 1 ? run : []))
  const isMarked = readings.length <= mostMarked
  const marked = (side: 'systolic' | 'diastolic') =>
    readings.filter((one) => one[side] !== undefined && (isMarked || !isWhole(one) || alone.includes(one)))
  return {
    layers: [
      { data: { values: rows }, mark: bandMark(theme.main, theme.band), encoding: { ...band, ...byRun } },
      { data: { values: alone }, mark: stick(theme.main), encoding: band },
      side(rows, systolic, theme.main),
      side(rows, diastolic, theme.second),
      ...([systolic, diastolic] as const).map((y): LayerSpec => {
        const color = y === systolic ? theme.main : theme.second
        return {
          data: { values: marked(y.field) },
          mark: pointMark(color, theme),
          encoding: { x: timeField, y },
        }
      }),
    ],
  }
}

function dense({ readings, title }: PressurePanel, { theme }: Frame, width: Width): Omit<Drawn, 'values'> {
  const sides = [
    { color: theme.main, points: sideOf(readings, 'systolic') },
    { color: theme.second, points: sideOf(readings, 'diastolic') },
  ]
  return {
    layers: [
      {
        data: { values: between(sides, width) },
        mark: bandMark(theme.main, theme.band / 2),
        encoding: bandByRun,
      },
      ...sides.flatMap(({ points, color }) => denseSide(points, color, width, theme.band)),
    ],
    caption: `${caption} Lines: median of each ${width.name}. Bands: lowest to highest.`,
    note: `${title}: ${readings.length} measurements are drawn as the median, the lowest and the highest of each ${width.name}; no peak is left out.`,
  }
}

const byRun = { detail: { field: 'run' } } as const
const bandByRun = { ...band, ...byRun } as const

function denseSide(points: readonly Point[], color: string, width: Width, opacity: number): LayerSpec[] {
  const rows = runRows(bucketRunsOf(points, width))
  const range = { x: timeField, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } } as const
  return [
    { data: { values: rows }, mark: bandMark(color, opacity * 1.5), encoding: { ...range, ...byRun } },
    {
      data: { values: rows.filter(({ isAlone }) => isAlone) },
      mark: { type: 'rule', color, strokeWidth: bucketPixels },
      encoding: range,
    },
    {
      data: { values: rows },
      mark: { ...lineMark(color), strokeWidth: 1.25 },
      encoding: { x: timeField, y: { field: 'median', type: 'quantitative' }, ...byRun },
    },
  ]
}

/** Where both sides are known: from the median of the one to that of the other. */
function between(sides: readonly { readonly points: readonly Point[] }[], width: Width) {
  const [upper = [], lower = []] = sides.map(({ points }) => runRows(bucketRunsOf(points, width)))
  const below = new Map(lower.map((bucket) => [bucket.at, bucket.median]))
  return upper.flatMap(({ at, median, run }) => {
    const found = below.get(at)
    return found === undefined ? [] : [{ at, run, systolic: median, diastolic: found }]
  })
}

function runRows(runs: readonly (readonly Bucket[])[]) {
  return runs.flatMap((run, index) =>
    run.map((bucket) => ({ ...bucket, run: index, isAlone: run.length === 1 })),
  )
}

function side(rows: Pressure[], y: typeof systolic | typeof diastolic, color: string): LayerSpec {
  return { data: { values: rows }, mark: lineMark(color), encoding: { x: timeField, y, ...byRun } }
}

function stick(color: string) {
  return { type: 'rule', color, opacity: 0.45, strokeWidth: 1.5 } as const
}

function isWhole(one: Pressure): boolean {
  return one.systolic !== undefined && one.diastolic !== undefined
}

function sideOf(readings: readonly Pressure[], name: 'systolic' | 'diastolic'): Point[] {
  return readings.flatMap(({ at, [name]: value }) => (value === undefined ? [] : [{ at, value }]))
}
