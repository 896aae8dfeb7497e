/**
 * What a call is about. `reach` is everything that the caller may see. A patient may be asked for as somebody of a study. Ids
 * are bare FHIR ids.
 */
export type Target =
  | { readonly kind: 'reach' }
  | { readonly kind: 'study'; readonly study: string }
  | { readonly kind: 'organization'; readonly organization: string }
  | { readonly kind: 'patient'; readonly patient: string; readonly study?: string }

/** A roster belongs to a study or to an organization. */
export interface RosterKey {
  readonly kind: 'study' | 'organization'
  readonly id: string
}
