import type { ReadingTime } from '../../results/reading-time.ts'
import type { Contribution, Exclusion } from '../../statistics/contributions.ts'

/** A type that was asked for and has nothing that a picture could show, with the reasons. */
export interface Undrawn {
  readonly name: string
  readonly observations: number
  readonly reasons: ReadonlyMap<Exclusion | 'without a day', number>
}

/** Finds out which of the types that were read have nothing to draw. */
export interface UndrawnCollector {
  add(name: string, contributions: readonly Contribution[], time: ReadingTime): void
  /** Those without a plain number that has a day; `drawn` are types that a picture shows in another way. */
  undrawn(drawn: ReadonlySet<string>): Undrawn[]
}

/** Makes a collector; a type is known by the name that it was asked for by. */
export function collectUndrawn(): UndrawnCollector {
  const all = new Map<
    string,
    { observations: number; plain: number; reasons: Map<Exclusion | 'without a day', number> }
  >()
  return {
    add(name, contributions, time) {
      const known = all.get(name) ?? { observations: 0, plain: 0, reasons: new Map() }
      all.set(name, known)
      known.observations += 1
      for (const { value } of contributions) {
        const why = 'excluded' in value ? value.excluded : time.hasDay ? undefined : 'without a day'
        if (why === undefined) known.plain += 1
        else known.reasons.set(why, (known.reasons.get(why) ?? 0) + 1)
      }
    },
    undrawn: (drawn) =>
      [...all].flatMap(([name, { observations, plain, reasons }]) =>
        plain > 0 || drawn.has(name) ? [] : [{ name, observations, reasons }],
      ),
  }
}
