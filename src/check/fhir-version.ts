import { errorOf, type Finding, fail, ok, skipped } from './finding.ts'
import type { Probes } from './probes.ts'

/** Whether the exchange speaks a FHIR release that this package speaks. */
export async function checkFhirVersion({ server }: Probes): Promise<Finding> {
  const error = await errorOf(server())
  if (error?.code === 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE') {
    return fail(
      'It speaks neither FHIR R4 (4.0) nor R5 (5.0).',
      'Point FHIR_MCP_FHIR_BASE_URL at the R4 or R5 endpoint of the exchange; other releases are not supported.',
    )
  }
  if (error !== undefined) return skipped('The exchange does not say which release it speaks.')
  return ok(`FHIR ${(await server()).fhirVersion}.`)
}
