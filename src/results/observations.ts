import type { Observation } from '../fhir/types.ts'
import { dataTypeOf } from '../open-mhealth/data-types.ts'
import { anyResource } from './any-resource.ts'
import { barred, oneLine } from './line.ts'
import { pruneObservation } from './prune-observation.ts'
import { distinguishingCode, nameOfComponent, nameOfObservation } from './reading-names.ts'
import { readingTime, timeText } from './reading-time.ts'
import { withoutBase } from './relative.ts'
import type { Row } from './searchset.ts'
import { excludedStatusOf, isModified } from './standing.ts'
import { statisticText } from './statistic-text.ts'
import { numberOf, unitOf, valueText } from './values.ts'

/** How observations are listed. */
export interface ObservationView {
  readonly format: 'fhir' | 'fhir_full' | 'table'
  /** Time zone of the times in text and cells. */
  readonly timeZone: string
  readonly baseUrl: string
}

/** Observations as rows, and the columns of their table. */
export interface ObservationTable {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

const fixedColumns = [
  'id',
  'time',
  'end',
  'type',
  'value',
  'unit',
  'statistic',
  'text',
  'status',
  'code',
] as const

/** No value is cut. */
const whole = Number.POSITIVE_INFINITY

interface Part {
  readonly column: string
  readonly number: number
}

/**
 * Observations as rows: the resource, a line with everything that the value says, and cells. `value` and the columns of
 * components, one per component and unit, hold plain numbers only: what is entered in error, cancelled, absent, compared
 * (`<40`) or modified is null there and is in `text`.
 */
export function observationTable(listed: readonly Observation[], view: ObservationView): ObservationTable {
  const observations = listed.map((observation) => withoutBase(observation, view.baseUrl))
  const parts = observations.map(partsOf)
  const extra = [...new Set(parts.flat().map(({ column }) => column))]
  const rows = observations.map((observation, index): Row => {
    const own = parts[index] ?? []
    const components = extra.map((name) => own.find(({ column }) => column === name)?.number ?? null)
    return {
      resource: view.format === 'fhir_full' ? anyResource(observation) : pruneObservation(observation),
      line: lineOf(observation, view.timeZone),
      cells: [...cellsOf(observation, view.timeZone), ...components],
    }
  })
  return { columns: [...fixedColumns, ...extra], rows }
}

/** Everything that an observation says of its value, with what restricts it, on one line. */
export function readingText(observation: Observation, zone: string): string {
  const type = dataTypeOf(observation)
  const own = valueText(observation, zone)
  const components = (observation.component ?? []).map((component) => {
    const mark = isModified(component) ? ' (modifierExtension not understood: may mean something else)' : ''
    return `${nameOfComponent(component, type).label} ${valueText(component, zone) ?? 'without a value'}${mark}`
  })
  const said = [...(own === undefined ? [] : [own]), ...components]
  const text = said.length > 0 ? said.join(', ') : 'without a value'
  return oneLine([text, ...marksOf(observation)].join('; '), whole)
}

function marksOf(observation: Observation): string[] {
  const { status } = observation
  const statistic = statisticText(observation)
  return [
    ...(excludedStatusOf(observation) === undefined ? [] : [`${status.toUpperCase()}: not a reading`]),
    ...(['preliminary', 'registered', 'unknown'].includes(status) ? [`status ${status}`] : []),
    ...(isModified(observation) ? ['modifierExtension not understood: may mean something else'] : []),
    ...(statistic === undefined ? [] : [`${statistic}, not a single reading`]),
  ]
}

function lineOf(observation: Observation, zone: string): string {
  const time = readingTime(observation, zone).text
  const code = distinguishingCode(observation)
  const name = nameOfObservation(observation).label + (code === undefined ? '' : ` ${code}`)
  return oneLine(barred([time, name, readingText(observation, zone), observation.id]), whole)
}

function cellsOf(observation: Observation, zone: string): Row['cells'] {
  const { start, end, text } = readingTime(observation, zone)
  const [coding] = observation.code?.coding ?? []
  const value = plainNumberOf(observation)
  const unit = observation.valueQuantity === undefined ? undefined : unitOf(observation.valueQuantity)
  return [
    observation.id ?? null,
    start === undefined ? (text === 'undated' ? null : text) : timeText(start, zone),
    end === undefined ? null : timeText(end, zone),
    nameOfObservation(observation).label,
    value?.number ?? null,
    unit === undefined || unit.label === '' ? null : unit.label,
    statisticText(observation) ?? null,
    readingText(observation, zone),
    observation.status ?? null,
    coding?.code === undefined ? null : `${coding.system ?? ''}|${coding.code}`,
  ]
}

function plainNumberOf(observation: Observation) {
  const reading = numberOf(observation, isModified(observation))
  return 'number' in reading && excludedStatusOf(observation) === undefined ? reading : undefined
}

function partsOf(observation: Observation): Part[] {
  if (excludedStatusOf(observation) !== undefined) return []
  const type = dataTypeOf(observation)
  return (observation.component ?? []).flatMap((component) => {
    const reading = numberOf(component, isModified(observation))
    if (!('number' in reading)) return []
    const { label } = nameOfComponent(component, type)
    const unit = reading.unit.label
    return [{ column: unit === '' ? label : `${label} (${unit})`, number: reading.number }]
  })
}
