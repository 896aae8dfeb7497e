import type { BarsPanel, Panel } from '../../charts/panel.ts'
import { gapTexts } from '../../results/gaps.ts'
import { oneLine, someOf } from '../../results/line.ts'
import { titleWord } from '../../results/own-words.ts'
import { reasonText } from '../../results/standing.ts'
import type { Series } from '../../statistics/series.ts'
import { mostPanels } from './chart-panels.ts'
import { type ChartReading, typeNameOf } from './chart-reading.ts'
import { sumNotes } from './day-counts.ts'
import { endNotes } from './end-notes.ts'
import { convertedNotes, noRemarks, type Remarks, remark } from './remarks.ts'
import { undatedNotes } from './undated.ts'
import type { Undrawn } from './undrawn.ts'

/** What has to be said of what was read for a picture, the most important first. `drawn`: what the picture says of itself. */
export function chartNotes(reading: ChartReading, drawn: readonly string[], zone: string): string[] {
  const { reads, excluded, undated, series, sums, panels, hidden, unclocked, undrawn } = reading
  return [
    ...gapTexts(reads.flatMap(({ gaps }) => gaps)),
    ...reads.flatMap(({ asked, end, read }) =>
      endNotes(end, read).map((note) => (reads.length === 1 ? note : `${typeNameOf(asked)}: ${note}`)),
    ),
    ...[...excluded].map(([why, n]) => `Not drawn, and left out of every number, ${reasonText(why)}: ${n}.`),
    ...undatedNotes(undated),
    ...undrawnNotes(series),
    ...convertedNotes(remarksOf(series)),
    ...(unclocked === 0
      ? []
      : [`Sleeps without onset and end, or longer than a day, not drawn from onset to end: ${unclocked}.`]),
    ...drawn,
    ...sums.flatMap(({ whole, within }) => sumNotes(within, zone, whole.timed.length - within.timed.length)),
    ...nightNotes(panels, zone),
    ...(hidden.length === 0
      ? []
      : [
          `A picture has ${mostPanels} panels at most. Not drawn: ${someOf(hidden.map(({ title }) => titleWord(title)))}.`,
        ]),
    ...undrawn.map(undrawnText),
    ...(panels.length === 0 && undrawn.length > 0
      ? ['No picture: nothing here is a plain number with a day.']
      : []),
  ]
}

/** A type that was asked for and is not in the picture. */
function undrawnText({ name, observations, reasons }: Undrawn): string {
  const why = [...reasons].map(([reason, n]) => `${reason} ${n}`).join(', ')
  return `Not drawn: ${oneLine(name)}; none of its ${observations} observations is a plain number with a day (values: ${why}).`
}

function remarksOf(series: readonly Series[]): Remarks {
  const remarks = noRemarks()
  remark(remarks, series)
  return remarks
}

/** Values that a picture does not show: no plain numbers, and those without a day. Words are in no picture. */
function undrawnNotes(series: readonly Series[]): string[] {
  const reasons = new Map<string, number>()
  let dayless = 0
  for (const { excluded, withoutDay } of series) {
    dayless += withoutDay
    for (const [why, n] of excluded) reasons.set(why, (reasons.get(why) ?? 0) + n)
  }
  const said = [...reasons].map(([why, n]) => `${why} ${n}`)
  return [
    ...(said.length === 0 ? [] : [`Values not drawn: ${said.join(', ')}.`]),
    ...(dayless === 0 ? [] : [`Values without a day, not drawn: ${dayless}.`]),
  ]
}

function nightNotes(panels: readonly Panel[], zone: string): string[] {
  const nights = panels.filter((panel): panel is BarsPanel => panel.kind === 'bars' && panel.unit === 'h')
  if (nights.length === 0) return []
  const several = nights.reduce((sum, { bars }) => sum + repeated(bars), 0)
  return [
    `Nights are those of ${zone}, by the day on which a sleep ends; nights without data are not nights of 0 hours.`,
    ...(several === 0 ? [] : [`Nights with more than one sleep, whose hours are added up: ${several}.`]),
  ]
}

/** How many days have a part more than once. */
function repeated(bars: BarsPanel['bars']): number {
  const seen = new Set<string>()
  const days = new Set<number>()
  for (const { day, part } of bars) {
    const key = `${day} ${part}`
    if (seen.has(key)) days.add(day)
    seen.add(key)
  }
  return days.size
}
