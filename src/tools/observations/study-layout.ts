import { someOf } from '../../results/line.ts'
import type { StudySeries } from '../../statistics/study-series.ts'
import { nameOf } from './series-names.ts'
import { studySeriesPart, weekPart } from './study-parts.ts'
import type { SummaryPart } from './summary-parts.ts'

/** What of a summary fits, and what has to be said of the rest. */
export interface LaidOut {
  readonly parts: readonly SummaryPart[]
  /** Series that did not fit, in the order of the others. */
  readonly hidden: readonly StudySeries[]
  readonly notes: readonly string[]
}

/** Bytes that a part takes in text and resource, with what separates it from others. */
export function bytesOfPart({ parameter, line }: SummaryPart): number {
  return Buffer.byteLength(JSON.stringify(parameter)) + Buffer.byteLength(line) + 2
}

/**
 * The series that fit, the first of `bySize` in line, in the order of `byName`, and their weeks: the newest of every series before the second
 * newest of any. `weeks` has the series of each week by its Monday. What is left out is said.
 */
export function layOutStudy(
  bySize: readonly StudySeries[],
  byName: readonly StudySeries[],
  weeks: ReadonlyMap<string, readonly StudySeries[]>,
  bytes: number,
): LaidOut {
  let left = bytes
  const fits = (part: SummaryPart) => {
    left -= bytesOfPart(part)
    return left >= 0
  }
  // One is always given, so that the next page goes on.
  const tooLarge = bySize.findIndex((one, index) => !fits(studySeriesPart(one, [])) && index > 0)
  const shown = new Set(tooLarge === -1 ? bySize : bySize.slice(0, tooLarge))
  const hidden = bySize.filter((one) => !shown.has(one))
  const rows = new Map([...shown].map((one) => [one, weeksOf(one, weeks)] as const))
  const given = tooLarge === -1 ? weeksThatFit(rows, fits) : new Map<StudySeries, SummaryPart[]>()
  const cut = [...rows].filter(([one, all]) => (given.get(one)?.length ?? 0) < all.length)
  const cutNames = cut.map(([one, all]) => `${nameOf(one)} ${given.get(one)?.length ?? 0} of ${all.length}`)
  return {
    parts: byName.filter((one) => shown.has(one)).map((one) => studySeriesPart(one, given.get(one) ?? [])),
    hidden,
    notes: [
      ...(cut.length === 0
        ? []
        : [
            `Only the newest weeks are listed, for size: ${someOf(cutNames)}. Ask for earlier ones with end, or for one data_type; the figures of a series are over all of its weeks.`,
          ]),
    ],
  }
}

function weeksThatFit(
  rows: ReadonlyMap<StudySeries, readonly SummaryPart[]>,
  fits: (part: SummaryPart) => boolean,
): Map<StudySeries, SummaryPart[]> {
  const given = new Map<StudySeries, SummaryPart[]>([...rows.keys()].map((one) => [one, []]))
  const most = Math.max(0, ...[...rows.values()].map(({ length }) => length))
  for (let depth = 0; depth < most; depth += 1) {
    for (const [one, all] of rows) {
      const row = all[depth]
      if (row === undefined) continue
      if (!fits(row)) return given
      given.get(one)?.push(row)
    }
  }
  return given
}

/** The weeks of a series, newest first. */
function weeksOf(
  { key }: StudySeries,
  weeks: ReadonlyMap<string, readonly StudySeries[]>,
): readonly SummaryPart[] {
  return [...weeks]
    .toSorted(([a], [b]) => (a < b ? 1 : -1))
    .flatMap(([start, all]) => all.filter((one) => one.key === key).map((one) => weekPart(start, one)))
}
