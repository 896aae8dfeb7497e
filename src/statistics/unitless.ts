import type { Exclusion } from './contributions.ts'
import type { MixedNumbers } from './mixed-numbers.ts'

/** What is known of a series while it grows, as far as it matters here. */
interface Growing {
  readonly mixed: MixedNumbers
  readonly excluded: Map<Exclusion, number>
}

/**
 * Puts values that are no numbers and have no unit (absent, not translated) to the series of their type that has most numbers,
 * so that it says itself what it lacks. Words stay by themselves. `all` is by the keys of `keyOf` and stays as it is.
 */
export function withoutUnitless<One extends Growing>(
  all: ReadonlyMap<string, One>,
): ReadonlyMap<string, One> {
  const merged = new Map(all)
  for (const [key, growing] of all) {
    if (!isUnitless(key) || sizeOf(growing) > 0) continue
    const siblings = [...all].filter(([other, one]) => isSibling(other, key) && sizeOf(one) > 0)
    const [largest] = siblings.toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a))
    if (largest === undefined) continue
    const [into, one] = largest
    const excluded = new Map((merged.get(into) ?? one).excluded)
    const words = new Map<Exclusion, number>()
    for (const [why, n] of growing.excluded) {
      if (why === 'not a number') words.set(why, n)
      else excluded.set(why, (excluded.get(why) ?? 0) + n)
    }
    merged.set(into, { ...one, excluded })
    if (words.size === 0) merged.delete(key)
    else merged.set(key, { ...growing, excluded: words })
  }
  return merged
}

/** The key of a series: type, component, statistic and group of units. */
export function keyOf(type: string, component: string, statistic: string, group: string): string {
  return JSON.stringify([type, component, statistic, group])
}

function isUnitless(key: string): boolean {
  return key.endsWith(',""]')
}

function isSibling(key: string, unitless: string): boolean {
  return key !== unitless && key.startsWith(unitless.slice(0, -'""]'.length))
}

function sizeOf({ mixed }: Growing): number {
  let size = 0
  for (const { numbers } of mixed.values()) size += numbers.length
  return size
}
