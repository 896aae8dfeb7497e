import type { Observation, ObservationComponent } from '../fhir/types.ts'
import { shownUnit } from '../units/written-unit.ts'
import { commonLabel, countLabel } from './labels.ts'
import { isModified, notSummarised } from './standing.ts'
import { numberOf } from './values.ts'

/** Bytes of the names of columns of components. */
const mostColumnBytes = 8192

/** A component, and what it is of. */
export interface Component {
  readonly component: ObservationComponent
  readonly label: string
  readonly key: string
}

/** A number of a column, and what its row calls the column. */
export interface Cell {
  readonly label: string
  readonly number: number
}

/** A column of components of one code and unit, named as most rows do. */
export interface Column {
  readonly key: string
  readonly name: string
}

/** Columns of components, as many as a table can bear: what has none is in `text`. */
export function columnsThatFit(all: readonly { readonly numbers: ReadonlyMap<string, Cell> }[]): Column[] {
  const labels = new Map<string, Map<string, number>>()
  for (const { numbers } of all) {
    for (const [key, { label }] of numbers) {
      const known = labels.get(key) ?? new Map<string, number>()
      labels.set(key, known)
      countLabel(known, label)
    }
  }
  let left = mostColumnBytes
  return [...labels]
    .map(([key, names]): Column => ({ key, name: commonLabel(names) }))
    .filter(({ name }) => {
      left -= Buffer.byteLength(name) + 8
      return left >= 0
    })
}

/** The first number of each column: a component may be there twice. */
export function numbersOf(
  observation: Observation,
  components: readonly Component[],
): ReadonlyMap<string, Cell> {
  const numbers = new Map<string, Cell>()
  if (notSummarised(observation) !== undefined) return numbers
  for (const { component, label, key } of components) {
    const reading = numberOf(component, isModified(observation))
    if (!('number' in reading)) continue
    const unit = shownUnit(reading.unit, []).label
    const column = JSON.stringify([key, unit])
    const name = unit === '' ? label : `${label} (${unit})`
    if (!numbers.has(column)) numbers.set(column, { label: name, number: reading.number })
  }
  return numbers
}
