import type { Audit } from '../audit/record.ts'
import { isFhirMcpError } from '../errors.ts'
import type { Meter } from './meter.ts'

/** The same audit; every record that it is given is counted as a call, as failed where the record could not be kept. */
export function meteredAudit(audit: Audit, meter: Meter | undefined): Audit {
  if (meter === undefined) return audit
  return {
    ...audit,
    async keep(record) {
      try {
        await audit.keep(record)
      } catch (thrown) {
        const code = isFhirMcpError(thrown) ? thrown.code : undefined
        meter.call({ ...record, outcome: 'failed', code })
        throw thrown
      }
      meter.call(record)
    },
  }
}
