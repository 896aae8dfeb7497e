import { reachedInTheClear } from '../config/fhir.ts'
import { errorOf, type Finding, fail, ok, warn, wordsOf } from './finding.ts'
import type { Probes } from './probes.ts'

/** Whether the exchange answers `metadata`. */
export async function checkExchange({
  server,
  options,
}: Pick<Probes, 'server' | 'options'>): Promise<Finding> {
  const error = await errorOf(server())
  // It answered, with another release than ours: that is for the check of the release.
  if (error === undefined || error.code === 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE') {
    if (!reachedInTheClear(options.fhir)) return ok('It answers metadata.')
    return warn(
      'It answers metadata. Tokens and records travel to it in the clear: FHIR_MCP_FHIR_ALLOW_HTTP is set.',
      'Give the exchange https, or make sure that nobody else is on that network.',
    )
  }
  return fail(wordsOf(error), cures[error.code] ?? error.entry.cure)
}

const cures: Readonly<Record<string, string>> = {
  FHIR_MCP_EXCHANGE_UNAVAILABLE:
    'Start it, or correct FHIR_MCP_FHIR_BASE_URL: this machine has to reach its host and port. Behind a private CA set NODE_EXTRA_CA_CERTS.',
  FHIR_MCP_EXCHANGE_TIMEOUT:
    'Look at its load, or raise FHIR_MCP_FHIR_TIMEOUT (the check waits 10 s at most).',
  FHIR_MCP_EXCHANGE_REJECTED:
    'FHIR_MCP_FHIR_BASE_URL has to be the base below which metadata is found, without a redirect, and metadata has to be readable without a token.',
  FHIR_MCP_FORBIDDEN:
    'FHIR_MCP_FHIR_BASE_URL has to be the base below which metadata is found, and metadata has to be readable without a token.',
}
