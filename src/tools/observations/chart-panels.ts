import type { Panel } from '../../charts/panel.ts'
import { statisticWord, unitText } from '../../charts/wording.ts'
import type { ParametersParameter } from '../../fhir/types.ts'
import { findDataType } from '../../open-mhealth/data-types.ts'
import { sumsPerDay } from '../../statistics/days.ts'
import type { Series } from '../../statistics/series.ts'

/** The most panels of one picture: more could not be read at the width of a chat. */
export const mostPanels = 6

/** The sums per day of a series as a panel; undefined where no value has a day. */
export function sumPanel({ type, unit, statistic, timed }: Series, zone: string): Panel | undefined {
  const sums = sumsPerDay(timed, zone)
  if (sums.length === 0) return undefined
  const known = findDataType(type)
  const title = `${known?.title ?? type} per day`
  return {
    kind: 'bars',
    type,
    title: statistic === undefined ? title : `${title} (${statisticWord(statistic)})`,
    unit: unit === undefined ? '' : unitText(unit, known),
    parts: ['sum'],
    bars: sums.map(({ day, sum }) => ({ day: Date.parse(day), part: 'sum', value: sum })),
  }
}

/** Which panels a picture has, by the order of their types: of each type the main ones first, until there is no more room. */
export function panelsShown(panels: readonly Panel[], types: readonly string[]): Panel[] {
  const placeOf = ({ type }: Panel) => (types.includes(type) ? types.indexOf(type) : types.length)
  const ordered = panels.toSorted((a, b) => placeOf(a) - placeOf(b))
  const ranks = new Map<Panel, number>()
  const seen = new Map<string, number>()
  for (const panel of ordered) {
    const rank = seen.get(panel.type) ?? 0
    seen.set(panel.type, rank + 1)
    ranks.set(panel, rank)
  }
  const byRank = ordered.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0))
  const chosen = new Set(byRank.slice(0, mostPanels))
  return ordered.filter((panel) => chosen.has(panel))
}

/** What a panel is, as a parameter. */
export function panelParameter(panel: Panel): ParametersParameter {
  const { title, unit, kind } = panel
  return {
    name: 'panel',
    part: [
      { name: 'title', valueString: title },
      ...(unit === '' ? [] : [{ name: 'unit', valueString: unit }]),
      { name: 'kind', valueCode: kind },
      { name: 'drawn', valueInteger: sizeOf(panel) },
    ],
  }
}

function sizeOf(panel: Panel): number {
  switch (panel.kind) {
    case 'line':
      return panel.points.length
    case 'pressure':
      return panel.readings.length
    case 'bars':
      return new Set(panel.bars.map(({ day }) => day)).size
    case 'clock':
      return panel.stretches.length
  }
}
