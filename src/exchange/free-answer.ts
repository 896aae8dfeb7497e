import { freeOfForbidden } from '../fhir/forbidden-characters.ts'
import type { AnyResource } from '../fhir/types.ts'

/** An answer whose resources have no control characters that FHIR forbids; each knows how many it lost. */
export function freeAnswer(answer: AnyResource): AnyResource {
  const { entry } = answer
  if (answer.resourceType !== 'Bundle' || !Array.isArray(entry)) return freeOfForbidden(answer)
  return { ...answer, entry: entry.map(freeEntry) }
}

function freeEntry(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('resource' in entry)) return entry
  const { resource } = entry
  if (typeof resource !== 'object' || resource === null) return entry
  return { ...entry, resource: freeOfForbidden(resource) }
}
