import { request } from 'undici'
import { errorOf, type Finding, fail, ok, skipped, warn, wordsOf } from './finding.ts'
import type { Probes } from './probes.ts'

/** The longest wait for the server that keeps AuditEvents, in milliseconds. */
const patience = 5000

/** Whether records of calls can be kept. */
export async function checkAudit({ options, audit, signal }: Probes): Promise<Finding> {
  const { sink, descriptor, fhir } = options.audit
  if (sink === 'off') {
    return warn(
      'It is off: no record of any call is kept.',
      'Set FHIR_MCP_AUDIT_SINK to file or fhir (docs/audit.md).',
    )
  }
  const error = await errorOf(audit())
  if (error !== undefined) {
    return fail(
      wordsOf(error),
      'FHIR_MCP_AUDIT_PATH has to be a file (or the place for one) that belongs to the user of the server alone, mode 0600, in a folder that this user may write.',
    )
  }
  if (descriptor !== undefined) {
    return skipped(`Records go to descriptor ${descriptor} of the server's process, which is not open here.`)
  }
  if (fhir === undefined) return ok('Its file can be written.')
  if (await answers(fhir.baseUrl, signal))
    return ok('Its file can be written, and the server for AuditEvents answers.')
  return fail(
    'Its file can be written, but the server for AuditEvents does not answer metadata.',
    'Start it, or correct FHIR_MCP_AUDIT_FHIR_BASE_URL. Records wait in the file until it answers.',
  )
}

async function answers(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const url = `${baseUrl.replace(/\/+$/, '')}/metadata?_summary=true`
    const answer = await request(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) })
    await answer.body.dump()
    // Whoever wants a token even for that answers too.
    return answer.statusCode === 200 || answer.statusCode === 401 || answer.statusCode === 403
  } catch {
    return false
  }
}
