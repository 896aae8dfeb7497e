import { collectPanels } from '../../charts/collect.ts'
import type { Panel } from '../../charts/panel.ts'
import { isImported } from '../../fhir/imported.ts'
import { readingTime } from '../../results/reading-time.ts'
import { countsUndated, type NotSummarised, notSummarised } from '../../results/standing.ts'
import { contributionsOf } from '../../statistics/contributions.ts'
import { collectSeries, type Series } from '../../statistics/series.ts'
import { codeText } from '../arguments/data-type.ts'
import type { GrantedContext } from '../tool.ts'
import type { AskedObservations } from './asked.ts'
import { panelsShown, sumPanel } from './chart-panels.ts'
import { countsOfDays, isCount, isSummed } from './day-counts.ts'
import { readEach, type TypeRead } from './read-each.ts'
import { isWords } from './series-names.ts'
import { collectUndrawn, type Undrawn } from './undrawn.ts'

/** What was read for a picture. */
export interface ChartReading {
  readonly reads: readonly TypeRead[]
  /** How many observations there were, each once. */
  readonly taken: number
  /** How many of them were imported from other FHIR servers. */
  readonly imported: number
  readonly excluded: ReadonlyMap<NotSummarised, number>
  /** How many of those that count have no date. */
  readonly undated: number
  /** Series of numbers, with what was left out of them. */
  readonly series: readonly Series[]
  /** Series that are summed per day, whole and with what belongs to a day alone. */
  readonly sums: readonly { readonly whole: Series; readonly within: Series }[]
  readonly panels: readonly Panel[]
  /** Panels for which there is no room. */
  readonly hidden: readonly Panel[]
  /** Sleeps that are no bar from onset to end. */
  readonly unclocked: number
  /** Types with observations of which none can be drawn. */
  readonly undrawn: readonly Undrawn[]
}

/** Reads what is asked for, and puts it into series for the figures and into panels for the picture. */
export async function readForChart(
  context: GrantedContext,
  asks: readonly AskedObservations[],
  period: AskedObservations['period'],
): Promise<ChartReading> {
  const zone = period.timeZone
  const collector = collectPanels(zone)
  const figures = collectSeries(isCount)
  const undrawn = collectUndrawn()
  const excluded = new Map<NotSummarised, number>()
  let taken = 0
  let imported = 0
  let undated = 0
  const reads = await readEach(context, asks, (observation, asked) => {
    taken += 1
    if (isImported(observation)) imported += 1
    const why = notSummarised(observation)
    if (why !== undefined) excluded.set(why, (excluded.get(why) ?? 0) + 1)
    const time = readingTime(observation, zone)
    if (countsUndated(observation, time)) undated += 1
    const contributions = contributionsOf(observation, asked.values)
    for (const contribution of contributions) figures.add(contribution, time)
    undrawn.add(typeNameOf(asked), contributions, time)
    const singles = contributions.filter((contribution) => !isCount(contribution))
    collector.add(observation, singles, time, typeNameOf(asked))
  })
  const series = figures.series().filter((one) => !isWords(one))
  const sums = series.filter(isSummed).map((whole) => ({ whole, within: countsOfDays(whole, period) }))
  const sumPanels = sums.flatMap(({ within }) => sumPanel(within, zone) ?? [])
  const all = [...collector.panels(), ...sumPanels]
  const panels = panelsShown(all, asks.map(typeNameOf))
  const hidden = all.filter((panel) => !panels.includes(panel))
  return {
    reads,
    taken,
    imported,
    excluded,
    undated,
    series,
    sums,
    panels,
    hidden,
    unclocked: collector.unclocked(),
    undrawn: undrawn.undrawn(new Set(all.map(({ type }) => type))),
  }
}

/** Short name of the type that is asked for; a code that no type has, as it was given. */
export function typeNameOf({ type }: AskedObservations): string {
  const [code] = type?.codes ?? []
  return type?.type?.name ?? (code === undefined ? 'all types' : codeText(code))
}
