import type { Coding, Observation, ObservationComponent } from '../fhir/types.ts'
import { everyValue, isAskedValue } from '../results/asked-values.ts'
import { type Named, nameOfComponentValue, nameOfValue, type ValueName } from '../results/reading-names.ts'
import { isModified, type NotSummarised, notSummarised } from '../results/standing.ts'
import { statisticText } from '../results/statistic-text.ts'
import { hasValue, type NotPlain, type NumberReading, numberOf, type ValueHolder } from '../results/values.ts'
import { type Scale, scaleOf, unitsOf } from './scale.ts'

/** A value that stands alone, and in a panel of the same time as well. */
export const repeated = 'in a panel and alone'

/** Why a value is not part of a statistic. */
export type Exclusion = NotSummarised | NotPlain | typeof repeated

/** One value of an observation, and the series that it belongs to. */
export interface Contribution {
  readonly type: Named
  /** Which value of the type; undefined for the one value of a type. */
  readonly component: Named | undefined
  /** The statistic that the value already is; undefined for a single reading. */
  readonly statistic: string | undefined
  readonly scale: Scale
  readonly code: Coding | undefined
  /** Whether it is one of several values of its observation. */
  readonly isInPanel: boolean
  readonly value: { readonly number: number } | { readonly excluded: Exclusion }
}

/**
 * The values of an observation, its own and those of its components, each as a plain number or with the reason why it is
 * none. An observation without any value gives one contribution that says so. `asked`: only those that a question is about.
 */
export function contributionsOf(observation: Observation, asked = everyValue): Contribution[] {
  const statistic = statisticText(observation)
  const of = (name: ValueName, holder?: ObservationComponent): Contribution[] => {
    if (!isAskedValue(asked, observation, { component: holder, name })) return []
    const { type, component, concept } = name
    const { unit, value } = readValue(holder ?? observation, observation)
    return [
      {
        type,
        component,
        code: concept?.coding?.find(({ code }) => code !== undefined),
        isInPanel: holder !== undefined,
        statistic,
        scale: scaleOf(unit, unitsOf(type.key, component?.key), statistic),
        value,
      },
    ]
  }
  const components = observation.component ?? []
  const isPanel =
    components.length > 0 && !hasValue(observation) && observation.dataAbsentReason === undefined
  return [
    ...(isPanel ? [] : of(nameOfValue(observation))),
    ...components.flatMap((component) => of(nameOfComponentValue(observation, component), component)),
  ]
}

/** Words stay words whatever their status and focus are: they are in no statistic anyway. */
function readValue(
  holder: ValueHolder,
  observation: Observation,
): { unit: NumberReading['unit'] | undefined; value: Contribution['value'] } {
  const reading = numberOf(holder, isModified(observation))
  const excluded = notSummarised(observation)
  if ('why' in reading && reading.why === 'not a number') {
    return { unit: reading.unit, value: { excluded: reading.why } }
  }
  if (excluded !== undefined) return { unit: reading.unit, value: { excluded } }
  if ('number' in reading) return { unit: reading.unit, value: { number: reading.number } }
  return { unit: reading.unit, value: { excluded: reading.why } }
}
