import { errorOf, type Finding, ok, skipped, warn } from './finding.ts'
import type { Probes } from './probes.ts'

/** Whether the exchange is asked the way that its `metadata` suggests. */
export async function checkDialect({ server, options }: Probes): Promise<Finding> {
  const configured = options.fhir.dialect
  if ((await errorOf(server())) !== undefined) return skipped('The exchange does not say what it is.')
  const { dialect } = await server()
  if (configured === 'auto') return ok(`${dialect}, by its metadata.`)
  if (configured === dialect) return ok(`${dialect}, as configured.`)
  return warn(
    `It is asked as ${configured}, and its metadata suggests ${dialect}.`,
    'Set FHIR_MCP_FHIR_DIALECT to auto, unless that is what you want.',
  )
}
