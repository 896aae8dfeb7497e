import { createAudit } from '../audit/create-audit.ts'
import { sourceOf } from '../audit/fhir/source.ts'
import type { Audit } from '../audit/record.ts'
import type { Options } from '../config/options.ts'

const stderr = 2

/**
 * Opens the audit that the options choose, for the calls that checks make. Records that would go to a descriptor go to stderr:
 * the server's descriptor is not open here, and stdout is the table. Those that would go to a FHIR server wait in the file for the
 * server. Throws CONFIG where it cannot be opened.
 */
export function openCheckAudit(options: Options, now: () => number): Audit {
  const { audit } = options
  const descriptor = audit.descriptor === undefined ? undefined : stderr
  const sink = audit.sink === 'off' ? 'off' : 'file'
  return createAudit(
    { ...audit, sink, descriptor, fhir: undefined },
    { log: () => undefined, now, source: sourceOf(options) },
  )
}
