import { isImported } from '../fhir/imported.ts'
import { markSubsetted } from '../fhir/subsetted.ts'
import type { AnyResource, Observation } from '../fhir/types.ts'
import { longestText } from './large-values.ts'
import { withoutInner } from './relative.ts'
import { withSeenTexts } from './seen.ts'
import { withoutLong } from './without-long.ts'

/** Mandatory and modifier elements, the value with all that qualifies it, and what the check against a grant needs. */
const kept =
  /^_?(resourceType|id|implicitRules|modifierExtension|status|code|subject|focus|component|dataAbsentReason|interpretation|referenceRange|note|hasMember|derivedFrom|issued|bodySite|method|device|effective[A-Z]\w*|value[A-Z]\w*)$/

/**
 * An observation of a list: status, code, subject, time and value with what is said of it, but for long texts and data, which
 * its line describes. SUBSETTED where something was left out.
 */
export function pruneObservation(observation: Observation): AnyResource {
  const { id, meta = {} } = observation
  const elements: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(observation)) {
    if (name !== 'id' && kept.test(name)) elements[name] = value
  }
  if (id !== undefined) elements.id = id
  const labels: Record<string, unknown> = {}
  if (meta.security !== undefined) labels.security = meta.security
  if (meta.tag !== undefined) labels.tag = meta.tag
  // Of the bookkeeping, where a record was imported from is the one part that a reader has to know.
  if (isImported(observation)) labels.source = meta.source
  if (sizeOf(labels) > 0) elements.meta = labels
  const pruned: AnyResource = Object.assign(elements, { resourceType: observation.resourceType })
  const closed = withoutLong(withoutInner(pruned), longestText)
  const whole = sizeOf(pruned) === sizeOf(observation) && sizeOf(labels) === sizeOf(meta)
  return withSeenTexts(whole && closed === pruned ? pruned : markSubsetted(closed))
}

function sizeOf(object: object): number {
  return Object.keys(object).length
}
