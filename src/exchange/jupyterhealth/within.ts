import { exchangeId } from './ids.ts'

/** The parameter that restricts a search to one study. */
export const studyParameter = 'patient._has:Group:member:_id'
/** The parameter that restricts a search to one organization. */
export const organizationParameter = 'patient.organization'

/**
 * The only forms that filter by study and organization, on every type; the standard ones are ignored, and so answer
 * everything that the caller may see. Throws FORBIDDEN for an id that the exchange cannot have.
 */
export function memberOf({
  kind,
  id,
}: {
  kind: 'study' | 'organization'
  id: string
}): readonly [string, string] {
  return [kind === 'study' ? studyParameter : organizationParameter, exchangeId(id)]
}
