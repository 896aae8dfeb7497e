import type { Coding } from '../fhir/types.ts'
import { commonLabel, countLabel, type Labels } from '../results/labels.ts'
import type { ReadingTime } from '../results/reading-time.ts'
import { type Contribution, type Exclusion, repeated } from './contributions.ts'
import { type Description, describeNumbers } from './description.ts'
import { inOneUnit, type MixedNumbers, type OneUnit, partOf, preferredUnit } from './mixed-numbers.ts'
import { keyOf, withoutUnitless } from './unitless.ts'

/** The values of one type, component, statistic and dimension, in one unit: never more than one of each. */
export interface Series extends OneUnit {
  /** The same for the same type, component, statistic and dimension, whoever's values they are. */
  readonly key: string
  /** What its observations are of: the name of their type, else the name that their code is given most often. */
  readonly type: string
  readonly component: string | undefined
  readonly statistic: string | undefined
  /** Every name that the type and the component came with. */
  readonly typeLabels: Labels
  readonly componentLabels: Labels
  /** The codes that its observations are coded with first. */
  readonly codes: readonly Coding[]
  /** The values that are counted with, in the units that they came in. */
  readonly mixed: MixedNumbers
  /** Undefined where no value could be counted with. */
  readonly description: Description | undefined
  readonly excluded: ReadonlyMap<Exclusion, number>
  /** Of the values that are counted with. */
  readonly first: ReadingTime | undefined
  readonly last: ReadingTime | undefined
  readonly undated: number
  /** Values that are counted with but have no day. */
  readonly withoutDay: number
}

/** Values as they come in, put into their series. */
export interface SeriesCollector {
  add(contribution: Contribution, time: ReadingTime): void
  /**
   * All series, by type, component, statistic and unit. Values in several units of one dimension are put into the type's unit;
   * `always`: all values are, so that series of several callers are in the same unit.
   */
  series(always?: 'type unit'): Series[]
}

interface Growing {
  readonly head: Contribution
  readonly typeLabels: Map<string, number>
  readonly componentLabels: Map<string, number>
  readonly mixed: MixedNumbers
  /** How often a value of a time is there, in panels and alone. */
  readonly places: Map<string, { panel: number; alone: number }>
  readonly codes: Map<string, Coding>
  readonly excluded: Map<Exclusion, number>
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
      const { type, component, statistic, scale } = contribution
      // One code is one series, whatever it is called, and whatever unit of one dimension its values are in.
      const key = keyOf(type.key, component?.key ?? '', statistic ?? '', scale.group)
      const known = all.get(key)
      const growing = known ?? empty(contribution)
      if (known === undefined) all.set(key, growing)
      grow(growing, contribution, time, keepTimes(contribution))
    },
    series(always) {
      const grown = withoutUnitless(all)
      return [...grown].map(([key, growing]) => seriesOf(key, growing, always !== undefined)).sort(byName)
    },
  }
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
    mixed: new Map(),
    places: new Map(),
    codes: new Map(),
    excluded: new Map(),
    first: undefined,
    last: undefined,
    undated: 0,
    withoutDay: 0,
  }
}

function grow(
  growing: Growing,
  { type, component, value, code, scale, isInPanel }: Contribution,
  time: ReadingTime,
  keepTime: boolean,
): void {
  countLabel(growing.typeLabels, type.label)
  if (component !== undefined) countLabel(growing.componentLabels, component.label)
  if (code !== undefined) growing.codes.set(`${code.system}|${code.code}`, code)
  const part = partOf(growing.mixed, scale)
  if ('excluded' in value) {
    growing.excluded.set(value.excluded, (growing.excluded.get(value.excluded) ?? 0) + 1)
    return
  }
  if (isRepeated(growing, `${value.number} ${scale.unit?.label}`, time, isInPanel)) {
    growing.excluded.set(repeated, (growing.excluded.get(repeated) ?? 0) + 1)
    return
  }
  part.numbers.push(value.number)
  if (time.from === undefined || !time.hasDay) growing.withoutDay += 1
  else if (keepTime) {
    part.timed.push({ number: value.number, from: time.from, to: time.to ?? time.from })
  }
  if (time.from === undefined) {
    growing.undated += 1
    return
  }
  if (growing.first?.from === undefined || time.from < growing.first.from) growing.first = time
  if (growing.last?.from === undefined || time.from > growing.last.from) growing.last = time
}

/** Whether a value is known already: writers that make observations of the values of a panel say each of them twice. */
function isRepeated({ places }: Growing, value: string, time: ReadingTime, isInPanel: boolean): boolean {
  if (time.from === undefined) return false
  const place = `${time.from} ${time.to} ${value}`
  const known = places.get(place) ?? { panel: 0, alone: 0 }
  places.set(place, known)
  if (isInPanel) known.panel += 1
  else known.alone += 1
  return isInPanel ? known.panel <= known.alone : known.alone <= known.panel
}

function seriesOf(
  key: string,
  { head, codes, mixed, places: _, ...rest }: Growing,
  inTypeUnit: boolean,
): Series {
  const one = inOneUnit(mixed, inTypeUnit ? preferredUnit(mixed) : undefined)
  return {
    ...rest,
    ...one,
    mixed,
    key,
    type: commonLabel(rest.typeLabels),
    component: rest.componentLabels.size === 0 ? undefined : commonLabel(rest.componentLabels),
    statistic: head.statistic,
    codes: [...codes.values()],
    description: describeNumbers(one.numbers),
  }
}
