import type { Observation } from '../fhir/types.ts'
import { statisticOf } from '../open-mhealth/decode.ts'

const denominator = 'descriptive_statistic_denominator'

/** The statistic that an observation's value is: `average`, `maximum per d`; undefined for a single reading. */
export function statisticText(observation: Observation): string | undefined {
  const statistic = statisticOf(observation)
  if (statistic === undefined) return undefined
  const per = (observation.component ?? []).find((component) =>
    (component.code?.coding ?? []).some(({ code }) => code?.split('.').at(-1) === denominator),
  )
  return per?.valueString === undefined ? statistic : `${statistic} per ${per.valueString}`
}
