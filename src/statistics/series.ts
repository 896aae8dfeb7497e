import type { Coding } from '../fhir/types.ts'
import type { ReadingTime } from '../results/reading-time.ts'
import type { Unit } from '../results/values.ts'
import type { Contribution, Exclusion } from './contributions.ts'
import type { TimedNumber } from './days.ts'
import { type Description, describeNumbers } from './description.ts'
import { commonLabel, countLabel, type Labels } from './labels.ts'

/** The values of one type, component, statistic and unit: never more than one of each. */
export interface Series {
  /** The same for the same type, component, statistic and unit, whoever's values they are. */
  readonly key: string
  /** What its observations are of: the name of their type, else the name that their code is given most often. */
  readonly type: string
  readonly component: string | undefined
  readonly statistic: string | undefined
  /** Undefined where no value had one. */
  readonly unit: Unit | undefined
  /** Every name that the type and the component came with. */
  readonly typeLabels: Labels
  readonly componentLabels: Labels
  /** The codes that its observations are coded with first. */
  readonly codes: readonly Coding[]
  /** The values that are counted with, in no order. */
  readonly numbers: readonly number[]
  /** Undefined where no value could be counted with. */
  readonly description: Description | undefined
  readonly excluded: ReadonlyMap<Exclusion, number>
  /** Of the values that are counted with. */
  readonly first: ReadingTime | undefined
  readonly last: ReadingTime | undefined
  readonly undated: number
  /** The values with a known day; empty where `keepTimes` was not asked for. */
  readonly timed: readonly TimedNumber[]
  /** Values that are counted with but have no day. */
  readonly withoutDay: number
}

/** Values as they come in, put into their series. */
export interface SeriesCollector {
  add(contribution: Contribution, time: ReadingTime): void
  /** All series, by type, component, statistic and unit. */
  series(): Series[]
}

interface Growing {
  readonly head: Contribution
  readonly typeLabels: Map<string, number>
  readonly componentLabels: Map<string, number>
  readonly numbers: number[]
  readonly codes: Map<string, Coding>
  readonly excluded: Map<Exclusion, number>
  readonly timed: TimedNumber[]
  first: ReadingTime | undefined
  last: ReadingTime | undefined
  undated: number
  withoutDay: number
}

/** Makes a collector. `keepTimes` says of which series the single times are needed. */
export function collectSeries(keepTimes: (contribution: Contribution) => boolean): SeriesCollector {
  const all = new Map<string, Growing>()
  return {
    add(contribution, time) {
      const key = keyOf(contribution)
      const known = all.get(key)
      const growing = known ?? empty(contribution)
      if (known === undefined) all.set(key, growing)
      grow(growing, contribution, time, keepTimes(contribution))
    },
    series() {
      return [...all].map(([key, growing]) => seriesOf(key, growing)).sort(byName)
    },
  }
}

/** One code is one series, whatever it is called. */
function keyOf({ type, component, statistic, unit }: Contribution): string {
  const unitKey = unit === undefined || unit.label === '' ? '' : `${unit.system ?? ''}|${unit.label}`
  return JSON.stringify([type.key, component?.key ?? '', statistic ?? '', unitKey])
}

/** By type, component, statistic and unit, as they are called. */
export function byName(a: Named, b: Named): number {
  const [first, second] = [a, b].map(({ type, component = '', statistic = '', unit, key }) =>
    JSON.stringify([type, component, statistic, unit?.label ?? '', key]),
  )
  return (first ?? '') < (second ?? '') ? -1 : 1
}

type Named = Pick<Series, 'type' | 'component' | 'statistic' | 'unit' | 'key'>

function empty(head: Contribution): Growing {
  return {
    head,
    typeLabels: new Map(),
    componentLabels: new Map(),
    numbers: [],
    codes: new Map(),
    excluded: new Map(),
    timed: [],
    first: undefined,
    last: undefined,
    undated: 0,
    withoutDay: 0,
  }
}

function grow(
  growing: Growing,
  { type, component, value, code }: Contribution,
  time: ReadingTime,
  keepTime: boolean,
): void {
  countLabel(growing.typeLabels, type.label)
  if (component !== undefined) countLabel(growing.componentLabels, component.label)
  if (code !== undefined) growing.codes.set(`${code.system}|${code.code}`, code)
  if ('excluded' in value) {
    growing.excluded.set(value.excluded, (growing.excluded.get(value.excluded) ?? 0) + 1)
    return
  }
  growing.numbers.push(value.number)
  if (time.from === undefined || !time.hasDay) growing.withoutDay += 1
  else if (keepTime) {
    growing.timed.push({ number: value.number, from: time.from, to: time.to ?? time.from })
  }
  if (time.from === undefined) {
    growing.undated += 1
    return
  }
  if (growing.first?.from === undefined || time.from < growing.first.from) growing.first = time
  if (growing.last?.from === undefined || time.from > growing.last.from) growing.last = time
}

function seriesOf(key: string, { head, codes, ...rest }: Growing): Series {
  return {
    ...rest,
    key,
    type: commonLabel(rest.typeLabels),
    component: rest.componentLabels.size === 0 ? undefined : commonLabel(rest.componentLabels),
    statistic: head.statistic,
    unit: head.unit === undefined || head.unit.label === '' ? undefined : head.unit,
    codes: [...codes.values()],
    description: describeNumbers(rest.numbers),
  }
}
