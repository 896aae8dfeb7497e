import type { Theme } from '../theme.ts'

/** A line over readings. */
export function lineMark(color: string) {
  return { type: 'line', color, strokeWidth: 1.75, strokeJoin: 'round', strokeCap: 'round' } as const
}

/** One reading. The rim keeps neighbours apart. */
export function pointMark(color: string, { card }: Theme) {
  return { type: 'point', filled: true, color, size: 36, opacity: 1, stroke: card, strokeWidth: 1 } as const
}

/** What lies between two values. */
export function bandMark(color: string, opacity: number) {
  return { type: 'area', color, opacity, line: false } as const
}
