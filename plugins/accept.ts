/** Which arrangement of an answer a client can read. */
export type Accepted = 'json' | 'sse' | 'either'

/**
 * What an `Accept` header leaves (RFC 9110 §12.5.1). Only a client that names `text/event-stream` reads a stream of events:
 * wildcards, other types and no header at all are answered with JSON.
 */
export function acceptedBy(header: string | undefined): Accepted {
  const types = (header ?? '').split(',').flatMap(acceptedType)
  if (!types.includes('text/event-stream')) return 'json'
  return types.some((type) => jsonRanges.has(type)) ? 'either' : 'sse'
}

const jsonRanges = new Set(['application/json', 'application/*', '*/*'])

/** The media range of one part of the header; none where its weight is 0, which means that it is not wanted. */
function acceptedType(part: string): string[] {
  const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
  return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [type]
}
