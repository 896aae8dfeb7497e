import type { Coding } from '../fhir/types.ts'
import type { Exclusion } from './contributions.ts'
import { describeNumbers } from './description.ts'
import { commonLabel, countLabel } from './labels.ts'
import { type Percentiles, percentilesOf } from './percentiles.ts'
import { byName, type Series } from './series.ts'

/** The values of several patients of one type, component, statistic and unit. */
export interface StudySeries extends Omit<Series, 'numbers' | 'timed'> {
  /** How many patients have a value that is counted with. */
  readonly patients: number
  /** Undefined where no value could be counted with. */
  readonly percentiles: Percentiles | undefined
}

/** Series of patients, put together patient by patient. A patient is added once. */
export interface StudyCollector {
  add(patient: readonly Series[]): void
  /** All series, by type, component, statistic and unit. */
  series(): StudySeries[]
}

/** What all series of one key have in common. */
type Head = Pick<Series, 'key' | 'statistic' | 'unit'>

interface Growing {
  readonly head: Head
  readonly typeLabels: Map<string, number>
  readonly componentLabels: Map<string, number>
  readonly numbers: number[]
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
    series() {
      return [...all.values()].map(seriesOf).sort(byName)
    },
  }
}

function empty({ key, statistic, unit }: Series): Growing {
  return {
    head: { key, statistic, unit },
    typeLabels: new Map(),
    componentLabels: new Map(),
    numbers: [],
    codes: new Map(),
    excluded: new Map(),
    patients: 0,
    first: undefined,
    last: undefined,
    undated: 0,
    withoutDay: 0,
  }
}

function grow(growing: Growing, { numbers, codes, excluded, first, last, ...series }: Series): void {
  for (const [label, n] of series.typeLabels) countLabel(growing.typeLabels, label, n)
  for (const [label, n] of series.componentLabels) countLabel(growing.componentLabels, label, n)
  for (const number of numbers) growing.numbers.push(number)
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

function seriesOf({ head, numbers, codes, ...rest }: Growing): StudySeries {
  return {
    ...rest,
    ...head,
    type: commonLabel(rest.typeLabels),
    component: rest.componentLabels.size === 0 ? undefined : commonLabel(rest.componentLabels),
    codes: [...codes.values()],
    description: describeNumbers(numbers),
    percentiles: percentilesOf(numbers),
  }
}
