import type { Observation } from '../fhir/types.ts'
import { type DataType, dataTypeOf, findDataType } from '../open-mhealth/data-types.ts'
import type { ReadingTime } from '../results/reading-time.ts'
import { isModified, notSummarised } from '../results/standing.ts'
import type { Unit } from '../results/values.ts'
import type { Contribution } from '../statistics/contributions.ts'
import type { Bar, Panel, Point, Pressure, Stretch } from './panel.ts'
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

/** What a panel is known by, and how it is titled. */
interface Head {
  readonly title: string
  readonly unit: string
}

type Growing = { readonly type: string; readonly rank: number } & Head &
  (
    | { readonly kind: 'line'; readonly joined: boolean; readonly points: Point[] }
    | { readonly kind: 'pressure'; readonly readings: Pressure[] }
    | { readonly kind: 'bars'; readonly bars: Bar[] }
    | { readonly kind: 'clock'; readonly stretches: Stretch[] }
  )

type Plain = Contribution & { readonly value: { readonly number: number } }

const noUnit: Unit = { label: '', system: undefined, code: undefined }
const unitless = { statistic: undefined, unit: undefined }
/** Types whose values are of episodes: nothing is known between two of them. */
const episodic: ReadonlySet<string> = new Set(['physical-activity'])

/** Makes a collector; times are put on the wall clock of the zone. */
export function collectPanels(zone: string): PanelCollector {
  const all = new Map<string, Growing>()
  let unclocked = 0

  function grown<Kind extends Growing['kind']>(
    made: Extract<Growing, { kind: Kind }>,
    { statistic, unit }: Pick<Plain, 'statistic' | 'unit'>,
  ): Extract<Growing, { kind: Kind }> {
    // A night is in hours, whatever its values were in.
    const unitOf = made.kind === 'bars' ? '' : unitKey({ unit })
    const key = JSON.stringify([made.type, made.kind, made.title, statistic, unitOf])
    const known = all.get(key)
    if (known?.kind === made.kind) return known as Extract<Growing, { kind: Kind }>
    all.set(key, made)
    return made
  }

  function addPressure(type: DataType, plain: readonly Plain[], at: number): Plain[] {
    const side = (path: string) => plain.find(({ component }) => component?.key === path)
    const [systolic, diastolic] = [side('systolic_blood_pressure'), side('diastolic_blood_pressure')]
    const isOneUnit =
      systolic === undefined || diastolic === undefined || unitKey(systolic) === unitKey(diastolic)
    const pairs = isOneUnit ? [{ systolic, diastolic }] : [{ systolic }, { diastolic }]
    for (const pair of pairs) {
      const one = pair.systolic ?? pair.diastolic
      if (one === undefined) continue
      const title = titleOf(type.title, undefined, one.statistic)
      const head = { type: type.name, rank: 0, title, unit: unitText(one.unit ?? noUnit, type) }
      grown<'pressure'>({ ...head, kind: 'pressure', readings: [] }, one).readings.push({
        at,
        systolic: pair.systolic?.value.number,
        diastolic: pair.diastolic?.value.number,
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
      ? plain.flatMap(({ component, value, unit }) => {
          const hours = component === undefined ? hoursOf(value.number, unit ?? noUnit) : undefined
          return hours === undefined ? [] : [{ day, part: 'asleep', value: hours }]
        })
      : nightBars(day, nightPartsIn(plain))
    if (values.length > 0) {
      const title = titleOf(`${type.title} per night`, undefined, statistic)
      const head = { type: type.name, rank: 1, title, unit: 'h' }
      grown<'bars'>({ ...head, kind: 'bars', bars: [] }, first).bars.push(...values)
    }
    return plain.filter(({ component, value, unit }) => {
      const isPart =
        component === undefined ? nightValues.has(type.name) : nightPartOf(component.key) !== undefined
      return !isPart || hoursOf(value.number, unit ?? noUnit) === undefined
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
    grown<'clock'>({ ...head, kind: 'clock', stretches: [] }, unitless).stretches.push(stretch)
  }

  function addLine(type: DataType | undefined, label: string, at: number, one: Plain): void {
    const { component, statistic, unit, value } = one
    const word = component === undefined ? undefined : componentWord(component.key, type)
    const title = titleOf(type?.title ?? writable(label, 50), word, statistic)
    const head = { type: type?.name ?? label, rank: 2, title, unit: unitText(unit ?? noUnit, type) }
    const joined = type === undefined || !episodic.has(type.name)
    grown<'line'>({ ...head, kind: 'line', joined, points: [] }, one).points.push({
      at,
      value: value.number,
    })
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

/** Units that only look the same are not one: a UCUM code and a text. */
function unitKey({ unit }: Pick<Plain, 'unit'>): string {
  return unit === undefined || unit.label === '' ? '' : `${unit.system ?? ''}|${unit.label}`
}

function titleOf(title: string, component: string | undefined, statistic: string | undefined): string {
  const named = component === undefined ? title : `${title}: ${component}`
  return statistic === undefined ? named : `${named} (${statisticWord(statistic)})`
}

function sizeOf(growing: Growing): number {
  return growing.kind === 'line' ? growing.points.length : 0
}

function panelOf(growing: Growing): Panel {
  const { type, title, unit } = growing
  switch (growing.kind) {
    case 'line':
      return {
        type,
        title,
        unit,
        kind: 'line',
        joined: growing.joined,
        points: growing.points.toSorted(byTime),
      }
    case 'pressure':
      return { type, title, unit, kind: 'pressure', readings: growing.readings.toSorted(byTime) }
    case 'clock':
      return { type, title, unit, kind: 'clock', stretches: growing.stretches.toSorted(byDay) }
    case 'bars': {
      const used = new Set(growing.bars.map(({ part }) => part))
      const parts = nightParts.filter((part) => used.has(part))
      return { type, title, unit, kind: 'bars', parts, bars: growing.bars.toSorted(byDay) }
    }
  }
}

function byTime(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at
}

function byDay(a: { readonly day: number }, b: { readonly day: number }): number {
  return a.day - b.day
}
