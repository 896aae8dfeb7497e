import type { FastifyBaseLogger } from 'fastify'
import type { AuditLog } from '../src/audit/audit-log.ts'
import { createAudit } from '../src/audit/create-audit.ts'
import { sourceOf } from '../src/audit/fhir/source.ts'
import type { Audit } from '../src/audit/record.ts'
import type { Options } from '../src/config/options.ts'

/** The audit that the options choose; what the operator has to know of it goes to the gateway's log. Throws CONFIG. */
export function auditOf(options: Options, log: FastifyBaseLogger, now: () => number): Audit {
  const write: AuditLog = (level, message, members = {}) => log[level](members, message)
  return createAudit(options.audit, { log: write, now, source: sourceOf(options) })
}
