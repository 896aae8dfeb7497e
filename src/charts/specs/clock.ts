import { barOf, type Drawn, type Frame } from '../frame.ts'
import type { ClockPanel } from '../panel.ts'

/** Hours since midnight, from before it on, as a clock shows them. */
const label = "format((datum.value + 48) % 24, '02') + ':00'"

/** Sleep as bars from onset to end on the clock, one column for each day of waking. Time runs downwards. */
export function clockPanel({ stretches }: ClockPanel, frame: Frame): Drawn {
  const from = 3 * Math.floor(Math.min(...stretches.map((one) => one.from)) / 3)
  const to = 3 * Math.ceil(Math.max(...stretches.map((one) => one.to)) / 3)
  const step = to - from > 18 ? 6 : 3
  const first = step * Math.ceil(from / step)
  const values = Array.from(
    { length: Math.floor((to - first) / step) + 1 },
    (_, index) => first + index * step,
  )
  const rows = stretches.map(({ day, from, to }) => ({
    ...barOf(day, frame),
    onset: from,
    waking: to,
  }))
  return {
    layers: [
      {
        data: { values: rows },
        mark: { type: 'bar', color: frame.theme.main },
        encoding: {
          x: { field: 'at', type: 'temporal' },
          x2: { field: 'end' },
          y: { field: 'onset', type: 'quantitative' },
          y2: { field: 'waking' },
        },
      },
    ],
    values: { from, to, nice: false, ticks: { values, label }, isReversed: true },
    caption: 'Each bar ends on the day of waking.',
  }
}
