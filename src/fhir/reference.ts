import { isFhirId, isResourceType } from './grammar.ts'

/** A literal reference, reduced to what it names. */
export interface LocalReference {
  readonly type: string
  readonly id: string
}

/**
 * Reduces a literal reference to type and id: relative (`Patient/1`), versioned (`Patient/1/_history/2`) or
 * absolute on the configured base. Anything else (another server, `urn:`, `#contained`, malformed) is undefined:
 * it cannot be held against a grant. FHIR R5 references, §2.1.3.1.
 */
export function localReference(reference: unknown, baseUrl: string): LocalReference | undefined {
  if (typeof reference !== 'string') return undefined
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  const relative = reference.startsWith(base) ? reference.slice(base.length) : reference
  const [type, id, history, version, ...rest] = relative.split('/')
  if (type === undefined || id === undefined || rest.length > 0) return undefined
  if (!isResourceType(type) || !isFhirId(id)) return undefined
  if (history !== undefined && (history !== '_history' || version === undefined || !isFhirId(version))) {
    return undefined
  }
  return { type, id }
}
