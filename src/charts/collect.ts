import type { Observation } from '../fhir/types.ts'
import { type DataType, dataTypeOf, findDataType } from '../open-mhealth/data-types.ts'
import type { ReadingTime } from '../results/reading-time.ts'
import { isModified, notSummarised } from '../results/standing.ts'
import type { Unit } from '../results/values.ts'
import type { Contribution } from '../statistics/contributions.ts'
import { commonUnit, inUnit, type Scale } from '../statistics/scale.ts'
import type { Bar, Panel, Stretch } from './panel.ts'
import {
  hoursOf,
  nightBars,
  nightOf,
  nightPartOf,
  nightParts,
  nightPartsIn,
  nightStages,
  nightValues,
  stretchOf,
} from './sleep.ts'
import { wallTime } from './wall-time.ts'
import { componentWord, statisticWord, unitText, writable } from './wording.ts'

/** Observations as they come in, in any order, put into panels. */
export interface PanelCollector {
  /**
   * Takes one observation. `contributions` are its values; `label` is what it was asked for by, and names what is of no known
   * type. What is not plain, excluded or without a day is passed over: statistics count it.
   */
  add(
    observation: Observation,
    contributions: readonly Contribution[],
    time: ReadingTime,
    label: string,
  ): void
  /** In the order in which their types came; within a type the main one first. */
  panels(): Panel[]
  /** How many sleeps have no stretch from onset to end. */
  unclocked(): number
}

/** A number in the unit that it came in. */
interface Measured {
  readonly number: number
  readonly scale: Scale
}

/** A panel while its values come in, each in a unit of one dimension. */
type Growing = { readonly type: string; readonly rank: number; readonly title: string } & (
  | {
      readonly kind: 'line'
      readonly known: DataType | undefined
      readonly joined: boolean
      readonly points: (Measured & { readonly at: number })[]
    }
  | {
      readonly kind: 'pressure'
      readonly known: DataType
      readonly readings: {
        readonly at: number
        readonly systolic: Measured | undefined
        readonly diastolic: Measured | undefined
      }[]
    }
  | { readonly kind: 'bars'; readonly unit: string; readonly bars: Bar[] }
  | { readonly kind: 'clock'; readonly unit: string; readonly stretches: Stretch[] }
)

type Plain = Contribution & { readonly value: { readonly number: number } }

const noUnit: Unit = { label: '', system: undefined, code: undefined }
/** Types whose values are of episodes: nothing is known between two of them. */
const episodic: ReadonlySet<string> = new Set(['physical-activity'])

/** Makes a collector; times are put on the wall clock of the zone. */
export function collectPanels(zone: string): PanelCollector {
  const all = new Map<string, Growing>()
  let unclocked = 0

  function grown<Kind extends Growing['kind']>(
    made: Extract<Growing, { kind: Kind }>,
    statistic?: string,
    group = '',
  ): Extract<Growing, { kind: Kind }> {
    const key = JSON.stringify([made.type, made.kind, made.title, statistic, group])
    const known = all.get(key)
    if (known?.kind === made.kind) return known as Extract<Growing, { kind: Kind }>
    all.set(key, made)
    return made
  }

  function addPressure(type: DataType, plain: readonly Plain[], at: number): Plain[] {
    const side = (path: string) => plain.find(({ component }) => component?.key === path)
    const [systolic, diastolic] = [side('systolic_blood_pressure'), side('diastolic_blood_pressure')]
    const isPair =
      systolic === undefined || diastolic === undefined || systolic.scale.group === diastolic.scale.group
    const pairs = isPair ? [{ systolic, diastolic }] : [{ systolic }, { diastolic }]
    for (const pair of pairs) {
      const one = pair.systolic ?? pair.diastolic
      if (one === undefined) continue
      const title = titleOf(type.title, undefined, one.statistic)
      const head = { type: type.name, rank: 0, title, known: type }
      const panel = grown<'pressure'>(
        { ...head, kind: 'pressure', readings: [] },
        one.statistic,
        one.scale.group,
      )
      panel.readings.push({
        at,
        systolic: measured(pair.systolic),
        diastolic: measured(pair.diastolic),
      })
    }
    return plain.filter((one) => one !== systolic && one !== diastolic)
  }

  function addNight(type: DataType, plain: readonly Plain[], time: ReadingTime): Plain[] {
    const [first] = plain
    const day = nightOf(time, zone)
    if (first === undefined || day === undefined) return [...plain]
    const { statistic } = first
    const values = nightValues.has(type.name)
      ? plain.flatMap(({ component, value, scale }) => {
          const hours = component === undefined ? hoursOf(value.number, scale.unit ?? noUnit) : undefined
          return hours === undefined ? [] : [{ day, part: 'asleep', value: hours }]
        })
      : nightBars(day, nightPartsIn(plain))
    if (values.length > 0) {
      const title = titleOf(`${type.title} per night`, undefined, statistic)
      // A night is in hours, whatever its values were in.
      const head = { type: type.name, rank: 1, title, unit: 'h' }
      grown<'bars'>({ ...head, kind: 'bars', bars: [] }, statistic).bars.push(...values)
    }
    return plain.filter(({ component, value, scale }) => {
      const isPart =
        component === undefined ? nightValues.has(type.name) : nightPartOf(component.key) !== undefined
      return !isPart || hoursOf(value.number, scale.unit ?? noUnit) === undefined
    })
  }

  function addClock(type: DataType, time: ReadingTime): void {
    const stretch = stretchOf(time, zone)
    if (stretch === undefined) {
      unclocked += 1
      return
    }
    const head = {
      type: type.name,
      rank: 0,
      title: `${type.title}, from onset to end`,
      unit: 'time of day',
    }
    grown<'clock'>({ ...head, kind: 'clock', stretches: [] }).stretches.push(stretch)
  }

  function addLine(type: DataType | undefined, label: string, at: number, one: Plain): void {
    const { component, statistic, scale, value } = one
    const word = component === undefined ? undefined : componentWord(component.key, type)
    const title = titleOf(type?.title ?? writable(label, 50), word, statistic)
    const head = { type: type?.name ?? label, rank: 2, title, known: type }
    const joined = type === undefined || !episodic.has(type.name)
    const panel = grown<'line'>({ ...head, kind: 'line', joined, points: [] }, statistic, scale.group)
    panel.points.push({ at, number: value.number, scale })
  }

  return {
    unclocked: () => unclocked,
    add(observation, contributions, time, label) {
      if (time.from === undefined || !time.hasDay || notSummarised(observation) !== undefined) return
      const observed = dataTypeOf(observation)
      if (observed?.name === 'sleep-episode' && !isModified(observation)) addClock(observed, time)
      const at = wallTime(time.from, zone)
      const all = contributions.filter(isPlain)
      for (const key of new Set(all.map((one) => one.type.key))) {
        const type = findDataType(key)
        let plain = all.filter((one) => one.type.key === key)
        if (type?.name === 'blood-pressure') plain = addPressure(type, plain, at)
        if (type !== undefined && (nightValues.has(type.name) || nightStages.has(type.name))) {
          plain = addNight(type, plain, time)
        }
        for (const one of plain) addLine(type, label, at, one)
      }
    },
    panels() {
      const types = [...new Set([...all.values()].map(({ type }) => type))]
      return [...all.values()]
        .toSorted(
          (a, b) => types.indexOf(a.type) - types.indexOf(b.type) || a.rank - b.rank || sizeOf(b) - sizeOf(a),
        )
        .map(panelOf)
    },
  }
}

function isPlain(contribution: Contribution): contribution is Plain {
  return 'number' in contribution.value
}

function measured(one: Plain | undefined): Measured | undefined {
  return one && { number: one.value.number, scale: one.scale }
}

function titleOf(title: string, component: string | undefined, statistic: string | undefined): string {
  const named = component === undefined ? title : `${title}: ${component}`
  return statistic === undefined ? named : `${named} (${statisticWord(statistic)})`
}

function sizeOf(growing: Growing): number {
  return growing.kind === 'line' ? growing.points.length : 0
}

function panelOf(growing: Growing): Panel {
  const { type, title } = growing
  switch (growing.kind) {
    case 'line': {
      const { joined, known } = growing
      const unit = unitOfAll(growing.points)
      const points = growing.points.map(({ at, number, scale }) => ({
        at,
        value: inUnit(number, scale, unit),
      }))
      const head = { type, title, unit: unitText(unit ?? noUnit, known) }
      return { ...head, kind: 'line', joined, points: points.toSorted(byTime) }
    }
    case 'pressure': {
      const { readings, known } = growing
      const unit = unitOfAll(readings.flatMap(({ systolic, diastolic }) => both(systolic, diastolic)))
      const side = (one: Measured | undefined) => one && inUnit(one.number, one.scale, unit)
      const sides = readings.map(({ at, systolic, diastolic }) => ({
        at,
        systolic: side(systolic),
        diastolic: side(diastolic),
      }))
      const head = { type, title, unit: unitText(unit ?? noUnit, known) }
      return { ...head, kind: 'pressure', readings: sides.toSorted(byTime) }
    }
    case 'clock':
      return { type, title, unit: growing.unit, kind: 'clock', stretches: growing.stretches.toSorted(byDay) }
    case 'bars': {
      const used = new Set(growing.bars.map(({ part }) => part))
      const parts = nightParts.filter((part) => used.has(part))
      return { type, title, unit: growing.unit, kind: 'bars', parts, bars: growing.bars.toSorted(byDay) }
    }
  }
}

function both(...sides: readonly (Measured | undefined)[]): Measured[] {
  return sides.filter((one) => one !== undefined)
}

/** The unit that all values of a panel are drawn in, as in the summaries. */
function unitOfAll(values: readonly Measured[]): Unit | undefined {
  const counts = new Map<string, { scale: Scale; n: number }>()
  for (const { scale } of values) {
    const known = counts.get(scale.key)
    if (known === undefined) counts.set(scale.key, { scale, n: 1 })
    else known.n += 1
  }
  return commonUnit([...counts.values()])
}

function byTime(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at
}

function byDay(a: { readonly day: number }, b: { readonly day: number }): number {
  return a.day - b.day
}
