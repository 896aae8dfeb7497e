import { createHash } from 'node:crypto'
import { z } from 'zod'
import { findDataType } from '../../open-mhealth/data-types.ts'
import { oneLine, someOf } from '../../results/line.ts'
import { isKnownSystem, quoted } from '../../results/quoted.ts'
import type { Series } from '../../statistics/series.ts'
import { isAskable } from '../arguments/data-type.ts'

type Named = Pick<Series, 'key' | 'type' | 'codes' | 'description'>

/** Where the series of a summary go on: how many came before, and a digest of all that there were. */
export const seriesPositionSchema = z.strictObject({
  skip: z.number().int().min(1),
  of: z.string(),
})
export type SeriesPosition = z.output<typeof seriesPositionSchema>

const mostNamed = 40

/** Series in the order in which pages give them: those with most values first. */
export function inSeriesOrder<T extends Named>(series: readonly T[]): T[] {
  return series.toSorted((a, b) => numberOf(b) - numberOf(a) || (a.key < b.key ? -1 : 1))
}

/** The position of the series behind the first `skip` of them. */
export function positionOfSeries(ordered: readonly Named[], skip: number): SeriesPosition {
  return { skip, of: digestOf(ordered) }
}

/** What has to be said of series that did not fit: how to get them, by the cursor and by arguments that work. */
export function leftOutNotes(hidden: readonly Named[], hasCursor: boolean): string[] {
  if (hidden.length === 0) return []
  const asked = [...new Set(hidden.flatMap((one) => askedBy(one) ?? []))]
  const ways = [
    ...(hasCursor ? ['The cursor gives them.'] : []),
    ...(asked.length === 0
      ? []
      : [
          `${hasCursor ? 'Or ask' : 'Ask'} for one with data_type: ${someOf(asked.map(askedWord), mostNamed)}.`,
        ]),
    ...(hasCursor || asked.length > 0 ? [] : ['A shorter period (start, end) may leave room for them.']),
  ]
  return [`Left out for size: ${hidden.length} series. ${ways.join(' ')}`]
}

/** What has to be said where the numbers changed since the page before. */
export function changedNotes(ordered: readonly Named[], position: SeriesPosition | undefined): string[] {
  if (position === undefined || position.of === digestOf(ordered)) return []
  return [
    'Observations have changed since the page before: a series may be missing or there twice. Leave cursor out to begin again.',
  ]
}

/** The data_type that asks for a series: the short name of its type, else its code with the system. */
function askedBy({ type, codes }: Named): string | undefined {
  const known = findDataType(type)
  if (known?.name === type) return type
  return codes
    .flatMap(({ system, code }) => (system === undefined || code === undefined ? [] : [`${system}|${code}`]))
    .filter((one) => oneLine(one, one.length) === one)
    .find(isAskable)
}

/** A code with its system: as it is where everybody knows the system; in quotes it is understood, too. */
function askedWord(asked: string): string {
  const bar = asked.lastIndexOf('|')
  return bar === -1 || isKnownSystem(asked.slice(0, bar)) ? asked : quoted(asked)
}

function numberOf({ description }: Named): number {
  return description?.n ?? 0
}

function digestOf(ordered: readonly Named[]): string {
  const hash = createHash('sha256')
  for (const one of ordered) hash.update(`${one.key}\n${numberOf(one)}\n`)
  return hash.digest('base64url').slice(0, 16)
}
