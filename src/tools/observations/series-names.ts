import { oneLine } from '../../results/line.ts'
import type { Series } from '../../statistics/series.ts'

/** Whether nothing in a series was ever meant to be a number. */
export function isWords({ description, excluded }: Pick<Series, 'description' | 'excluded'>): boolean {
  return description === undefined && excluded.size === 1 && excluded.has('not a number')
}

/** A series in words. */
export function nameOf({
  type,
  component,
  unit,
  statistic,
}: Pick<Series, 'type' | 'component' | 'unit' | 'statistic'>): string {
  return oneLine([type, component, statistic, unit?.label].filter((one) => one !== undefined).join(' '))
}
