import { localReference } from '../fhir/reference.ts'
import type { Observation } from '../fhir/types.ts'

/** An observation whose focus is written as `subject` is, where it is its own patient, so that the two can be compared. */
export function withOwnFocus<T extends Observation>(observation: T, baseUrl: string): T {
  const { focus, subject } = observation
  if (!Array.isArray(focus) || focus.length === 0) return observation
  const own = localReference(subject?.reference, baseUrl)
  if (own === undefined) return observation
  const written = focus.map((one) => {
    const local = localReference(one.reference, baseUrl)
    return local?.type === own.type && local.id === own.id ? { ...one, ...subject } : one
  })
  return Object.assign({}, observation, { focus: written })
}
