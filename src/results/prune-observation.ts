import { isDeepStrictEqual } from 'node:util'
import type { AnyResource, Observation } from '../fhir/types.ts'
import { statisticOf } from '../open-mhealth/decode.ts'
import { anyResource } from './any-resource.ts'
import { markSubsetted } from './prune.ts'
import { withoutContained } from './relative.ts'

/** Mandatory and modifier elements, the value with all that qualifies it, and what the check against a grant needs. */
const kept =
  /^(resourceType|id|implicitRules|modifierExtension|status|code|subject|component|dataAbsentReason|bodySite|method|effective[A-Z]\w*|value[A-Z]\w*)$/

/**
 * An observation of a list: status, code, subject, time and value, whole; an `interpretation` only where it says that the
 * value is a statistic. SUBSETTED where something was left out.
 */
export function pruneObservation(observation: Observation): AnyResource {
  const whole = anyResource(observation)
  const statistic = statisticOf(observation) !== undefined
  const elements = Object.entries(whole).filter(([element]) => {
    const name = element.replace(/^_/, '')
    return kept.test(name) || (name === 'interpretation' && statistic)
  })
  const { security, tag } = observation.meta ?? {}
  const meta = { ...(security === undefined ? {} : { security }), ...(tag === undefined ? {} : { tag }) }
  const pruned = withoutContained({
    ...Object.fromEntries(elements),
    resourceType: whole.resourceType,
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
    ...(whole.contained === undefined ? {} : { contained: whole.contained }),
  })
  return isDeepStrictEqual(whole, pruned) ? pruned : markSubsetted(pruned)
}
