import type { Coding } from '../fhir/types.ts'
import { commonLabel, countLabel } from '../results/labels.ts'
import type { Unit } from '../results/values.ts'
import type { Exclusion } from './contributions.ts'
import { describeNumbers } from './description.ts'
import { inOneUnit, type MixedNumbers, partOf } from './mixed-numbers.ts'
import { type Percentiles, percentilesOf } from './percentiles.ts'
import { byName, type Series } from './series.ts'
import { withoutUnitless } from './unitless.ts'

/** The values of several patients of one type, component, statistic and dimension, in one unit. */
export interface StudySeries extends Omit<Series, 'numbers' | 'timed' | 'mixed'> {
  /** How many patients have a value that is counted with. */
  readonly patients: number
  /** Undefined where no value could be counted with. */
  readonly percentiles: Percentiles | undefined
}

/** Series of patients, put together patient by patient. A patient is added once. */
export interface StudyCollector {
  add(patient: readonly Series[]): void
  /** All series, by type, component, statistic and unit; each in the unit of the series of `like` with its key, if any. */
  series(like?: readonly StudySeries[]): StudySeries[]
}

/** What all series of one key have in common. */
type Head = Pick<Series, 'key' | 'statistic'>

interface Growing {
  readonly head: Head
  readonly typeLabels: Map<string, number>
  readonly componentLabels: Map<string, number>
  readonly mixed: MixedNumbers
  readonly codes: Map<string, Coding>
  readonly excluded: Map<Exclusion, number>
  patients: number
  first: Series['first']
  last: Series['last']
  undated: number
  withoutDay: number
}

/** Makes a collector. It holds every value, 8 bytes each, so that its percentiles are exact. */
export function collectStudy(): StudyCollector {
  const all = new Map<string, Growing>()
  return {
    add(patient) {
      for (const series of patient) {
        const known = all.get(series.key)
        const growing = known ?? empty(series)
        if (known === undefined) all.set(series.key, growing)
        grow(growing, series)
      }
    },
    series(like = []) {
      const units = new Map(like.map(({ key, unit }) => [key, unit]))
      return [...withoutUnitless(all).values()]
        .map((growing) => seriesOf(growing, units.get(growing.head.key)))
        .sort(byName)
    },
  }
}

function empty({ key, statistic }: Series): Growing {
  return {
    head: { key, statistic },
    typeLabels: new Map(),
    componentLabels: new Map(),
    mixed: new Map(),
    codes: new Map(),
    excluded: new Map(),
    patients: 0,
    first: undefined,
    last: undefined,
    undated: 0,
    withoutDay: 0,
  }
}

function grow(growing: Growing, { numbers, mixed, codes, excluded, first, last, ...series }: Series): void {
  for (const [label, n] of series.typeLabels) countLabel(growing.typeLabels, label, n)
  for (const [label, n] of series.componentLabels) countLabel(growing.componentLabels, label, n)
  for (const part of mixed.values()) {
    const { numbers: held } = partOf(growing.mixed, part.scale)
    for (const number of part.numbers) held.push(number)
  }
  for (const code of codes) growing.codes.set(`${code.system}|${code.code}`, code)
  for (const [why, n] of excluded) growing.excluded.set(why, (growing.excluded.get(why) ?? 0) + n)
  if (numbers.length > 0) growing.patients += 1
  growing.undated += series.undated
  growing.withoutDay += series.withoutDay
  if (first?.from !== undefined && (growing.first?.from === undefined || first.from < growing.first.from)) {
    growing.first = first
  }
  if (last?.from !== undefined && (growing.last?.from === undefined || last.from > growing.last.from)) {
    growing.last = last
  }
}

function seriesOf({ head, mixed, codes, ...rest }: Growing, like: Unit | undefined): StudySeries {
  const { unit, numbers, converted } = inOneUnit(mixed, like)
  return {
    ...rest,
    ...head,
    unit,
    converted,
    type: commonLabel(rest.typeLabels),
    component: rest.componentLabels.size === 0 ? undefined : commonLabel(rest.componentLabels),
    codes: [...codes.values()],
    description: describeNumbers(numbers),
    percentiles: percentilesOf(numbers),
  }
}
