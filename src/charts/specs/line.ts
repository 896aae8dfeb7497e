import { areDense, bucketRunsOf, widthFor } from '../buckets.ts'
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
import type { LinePanel } from '../panel.ts'
import { bandMark, lineMark, pointMark } from './marks.ts'

const value = { field: 'value', type: 'quantitative' } as const

/** Readings as a line that breaks at gaps; too many for that are a band from lowest to highest with their median. */
export function linePanel(panel: LinePanel, frame: Frame): Drawn {
  const { points, unit, joined } = panel
  const values = around(
    points.map((point) => point.value),
    unit,
  )
  if (!joined) {
    return { layers: stems(panel, frame), values: { ...values, from: Math.min(0, values.from) } }
  }
  const isDense = points.length > mostMarked && areDense(points, widthOf(frame))
  return isDense ? { values, ...denseLine(panel, frame, 'reading') } : { values, ...single(panel, frame) }
}

function single({ points }: LinePanel, { theme }: Frame): Pick<Drawn, 'layers'> {
  const isGap = gapRule(points.map(({ at }) => at))
  const runs = runsOf(points, (before, after) => isGap(before.at, after.at))
  const rows = runs.flatMap((run, index) => run.map((point) => ({ ...point, run: index })))
  const alone = runs.flatMap((run) => (run.length === 1 ? run : []))
  return {
    layers: [
      {
        data: { values: rows },
        mark: lineMark(theme.main),
        encoding: { x: timeField, y: value, detail: { field: 'run' } },
      },
      {
        data: { values: points.length <= mostMarked ? [...points] : alone },
        mark: pointMark(theme.main, theme),
        encoding: { x: timeField, y: value },
      },
    ],
  }
}

function widthOf({ from, to }: Frame) {
  return widthFor(to - from, plotWidth / bucketPixels)
}

/** What is too much to be drawn one by one, as a band from lowest to highest and the median; `one`: what a point is. */
export function denseLine(
  { points, title }: Pick<LinePanel, 'points' | 'title'>,
  frame: Frame,
  one: 'reading' | 'day',
): Omit<Drawn, 'values'> {
  const { theme } = frame
  const width = widthOf(frame)
  const runs = bucketRunsOf(points, width)
  const rows = runs.flatMap((run, index) => run.map((bucket) => ({ ...bucket, run: index })))
  const alone = runs.flatMap((run) => (run.length === 1 ? run : []))
  const band = { x: timeField, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } } as const
  const layers: LayerSpec[] = [
    {
      data: { values: rows },
      mark: bandMark(theme.main, theme.band * 1.5),
      encoding: { ...band, detail: { field: 'run' } },
    },
    {
      data: { values: alone },
      mark: { type: 'rule', color: theme.main, strokeWidth: bucketPixels },
      encoding: band,
    },
    {
      data: { values: rows },
      mark: { ...lineMark(theme.main), strokeWidth: 1.25 },
      encoding: { x: timeField, y: { field: 'median', type: 'quantitative' }, detail: { field: 'run' } },
    },
  ]
  return {
    layers,
    caption: `Line: median ${one} of each ${width.name}. Band: lowest to highest.`,
    note: `${title}: ${points.length} ${one}s are drawn as the median, the lowest and the highest of each ${width.name}; no peak is left out.`,
  }
}

/** Values that stand each for itself, from 0. */
function stems({ points }: LinePanel, { theme }: Frame): LayerSpec[] {
  const rows = points.map((point) => ({ ...point, zero: 0 }))
  return [
    {
      data: { values: rows },
      mark: { type: 'rule', color: theme.main, strokeWidth: 1.5 },
      encoding: { x: timeField, y: { field: 'zero', type: 'quantitative' }, y2: { field: 'value' } },
    },
    {
      data: { values: points.length <= mostMarked ? rows : [] },
      mark: pointMark(theme.main, theme),
      encoding: { x: timeField, y: value },
    },
  ]
}
