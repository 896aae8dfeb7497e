import type { TopLevelSpec } from 'vega-lite'
import { type Drawn, type Frame, type PanelSpec, plotWidth, timeAxis } from './frame.ts'
import { dayLength, extentOf, type Panel } from './panel.ts'
import { barsPanel } from './specs/bars.ts'
import { clockPanel } from './specs/clock.ts'
import { linePanel } from './specs/line.ts'
import { pressurePanel } from './specs/pressure.ts'
import { type Theme, type ThemeName, themes } from './theme.ts'
import { dateText, midnightOf } from './wall-time.ts'

/** What a picture is made of. */
export interface ChartRequest {
  readonly panels: readonly Panel[]
  /** The period that was asked for, on the wall clock; a side without a bound is left out. */
  readonly from?: number
  readonly before?: number
  readonly zone: string
  readonly theme: ThemeName
}

/** A picture before it is drawn, and what has to be said of it. */
export interface Chart {
  readonly spec: TopLevelSpec
  /** The dates that the time axis has. */
  readonly period: string
  readonly notes: readonly string[]
}

const font = 'Inter'
/** CSS pixels left of the plot. */
const axisWidth = 54
/** Readings over less than this part of the period are drawn over their own time only. */
const leastShare = 0.1

/** Lays panels out below each other over one time axis. There has to be at least one. */
export function chartOf({ panels, zone, theme: name, ...asked }: ChartRequest): Chart {
  const theme = themes[name]
  const { from, to, period, note } = spanOf(panels, asked)
  const height = panels.length === 1 ? 230 : panels.length === 2 ? 165 : 120
  const frame: Frame = { from, to, theme, height }
  const drawn = panels.map((panel) => ({ panel, drawn: drawnOf(panel, frame) }))
  const spec: TopLevelSpec = {
    background: theme.card,
    padding: { left: 14, right: 22, top: 14, bottom: 12 },
    spacing: 22,
    vconcat: drawn.map(({ panel, drawn }, index) =>
      panelSpec(panel, drawn, frame, index === panels.length - 1),
    ),
    title: { text: `${period}, ${zone}`, ...kicker(theme) },
    resolve: { legend: { color: 'independent' } },
    config: configOf(theme),
  }
  return {
    spec,
    period,
    notes: [
      ...drawn.flatMap(({ drawn: { note } }) => (note === undefined ? [] : [note])),
      ...(note === undefined ? [] : [note]),
    ],
  }
}

function drawnOf(panel: Panel, frame: Frame): Drawn {
  switch (panel.kind) {
    case 'line':
      return linePanel(panel, frame)
    case 'pressure':
      return pressurePanel(panel, frame)
    case 'bars':
      return barsPanel(panel, frame)
    case 'clock':
      return clockPanel(panel, frame)
  }
}

function panelSpec(
  { title, unit }: Panel,
  { layers, values, caption }: Drawn,
  frame: Frame,
  isLast: boolean,
): PanelSpec {
  const { ticks } = values
  return {
    width: plotWidth,
    height: frame.height,
    title: { text: title, ...(caption === undefined ? {} : { subtitle: caption }) },
    // The axes belong to the first layer; all others share its scales.
    layer: layers.map((layer, index) => {
      if (index > 0 || !('encoding' in layer)) return layer
      const { encoding } = layer
      return {
        ...layer,
        encoding: {
          ...encoding,
          x: { ...encoding?.x, ...timeAxis(frame, isLast) },
          y: {
            ...encoding?.y,
            title: unit === '' ? null : unit,
            scale: {
              domain: [values.from, values.to],
              nice: values.nice,
              zero: false,
              reverse: values.isReversed === true,
            },
            axis: {
              tickCount: frame.height > 150 ? 6 : 4,
              ...(ticks === undefined ? {} : { values: [...ticks.values], labelExpr: ticks.label }),
            },
          },
        },
      } as typeof layer
    }),
  }
}

interface Span {
  readonly from: number
  readonly to: number
  /** In words: the dates that were asked for, or those of the readings. */
  readonly period: string
  readonly note?: string
}

/** The time axis: the period that was asked for, as far as it has anything to show. */
function spanOf(panels: readonly Panel[], { from, before }: Pick<ChartRequest, 'from' | 'before'>): Span {
  const extents = panels.map(extentOf)
  const [first, last] = [Math.min(...extents.map(([one]) => one)), Math.max(...extents.map(([, one]) => one))]
  const widened = panels.some(({ kind }) => kind === 'bars' || kind === 'clock')
    ? overDays
    : (one: Ends) => one
  const data = widened(roomAround(first, last))
  const asked = widened({ from: Math.min(from ?? data.from, first), to: Math.max(before ?? data.to, last) })
  const period = periodText(Math.min(from ?? first, first), Math.max((before ?? last + 1) - 1, last))
  const isBounded = from !== undefined || before !== undefined
  const isFilled = last - first >= leastShare * (asked.to - asked.from)
  if (!isBounded || isFilled || asked.to - asked.from <= 2 * dayLength) return { ...asked, period }
  return {
    ...data,
    period: periodText(first, last),
    note: 'The time axis shows only the part of the period in which there are readings to draw.',
  }
}

interface Ends {
  readonly from: number
  readonly to: number
}

/** Bars of days stand beside days, not hours: at least seven, with the given ones in the middle. */
function overDays({ from, to }: Ends): Ends {
  const more = Math.max(0, 7 * dayLength - (to - from)) / 2
  return { from: from - more, to: to + more }
}

/** A little room before and after; a single moment has its day around it. */
function roomAround(first: number, last: number): { from: number; to: number } {
  if (last - first < 60_000) return { from: midnightOf(first), to: midnightOf(last) + dayLength }
  const room = (last - first) * 0.015
  return { from: first - room, to: last + room }
}

function periodText(from: number, to: number): string {
  const [first, last] = [dateText(from), dateText(to)]
  return first === last ? first : `${first} to ${last}`
}

/** The line above the panels: small, because the panels have titles. */
function kicker({ muted }: Theme) {
  return { color: muted, fontSize: 12, fontWeight: 400, offset: 10, dx: -axisWidth, frame: 'group' } as const
}

function configOf({ text, muted, grid, axis }: Theme): NonNullable<TopLevelSpec['config']> {
  const small = { fontSize: 11.5, font, color: muted }
  return {
    font,
    view: { stroke: null },
    concat: { spacing: 22 },
    title: {
      anchor: 'start',
      font,
      fontSize: 14,
      fontWeight: 600,
      color: text,
      subtitleFont: font,
      subtitleFontSize: 11.5,
      subtitleColor: muted,
      subtitlePadding: 4,
      offset: 6,
      frame: 'group',
      dx: -axisWidth,
    },
    axis: {
      labelFont: font,
      labelFontSize: small.fontSize,
      labelColor: muted,
      titleFont: font,
      titleFontSize: small.fontSize,
      titleFontWeight: 400,
      titleColor: muted,
      gridColor: grid,
      domainColor: axis,
      tickColor: axis,
      labelPadding: 5,
      labelOverlap: 'greedy',
    },
    axisY: {
      domain: false,
      ticks: false,
      minExtent: axisWidth,
      maxExtent: axisWidth,
      titleAngle: 0,
      titleAlign: 'left',
      titleAnchor: 'end',
      titleBaseline: 'bottom',
      titleX: -axisWidth,
      titleY: -12,
    },
    legend: { labelFont: font, labelFontSize: small.fontSize, labelColor: muted },
  }
}
