import { fhirMcpError } from '../errors.ts'
import { isResourceType } from '../fhir/grammar.ts'
import type { AnyResource, FhirVersion } from '../fhir/types.ts'
import type { Capabilities } from './exchange.ts'

/** Which server a CapabilityStatement describes. */
export type ServerKind = Pick<Capabilities, 'dialect' | 'fhirVersion' | 'software'>

/**
 * What a CapabilityStatement says of its server: `software.name` tells a JupyterHealth Exchange, everything else is asked
 * HAPI style. Throws NOT_SUPPORTED_BY_EXCHANGE unless `fhirVersion` is 4.0.x (R4) or 5.0.x (R5).
 */
export function serverKindOf(statement: AnyResource): ServerKind {
  const software = softwareOf(statement)
  const fhirVersion = releaseOf(statement)
  if (fhirVersion === undefined) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: 'It speaks neither FHIR R4 nor R5.' })
  }
  return { dialect: software === 'JupyterHealth Exchange' ? 'jupyterhealth' : 'hapi', fhirVersion, software }
}

/** Whether a CapabilityStatement says both what server it is of and which FHIR release that speaks. */
export function namesServer(statement: AnyResource): boolean {
  return typeof statement.fhirVersion === 'string' && softwareOf(statement) !== undefined
}

/** The names of the search parameters per type that a CapabilityStatement lists; types without any are left out. */
export function searchesOf(statement: AnyResource): Record<string, readonly string[]> {
  const searches: Record<string, readonly string[]> = {}
  for (const rest of objectsIn(statement.rest)) {
    if (rest.mode === 'client') continue
    for (const { type, searchParam } of objectsIn(rest.resource)) {
      if (typeof type !== 'string' || !isResourceType(type)) continue
      const names = objectsIn(searchParam).map(({ name }) => name)
      const known = names.filter((name) => typeof name === 'string')
      if (known.length > 0) searches[type] = known
    }
  }
  return searches
}

function releaseOf(statement: AnyResource): FhirVersion | undefined {
  const version = /^([45])\.0\.\d+$/.exec(String(statement.fhirVersion))
  if (version === null) return undefined
  return version[1] === '4' ? 'R4' : 'R5'
}

function softwareOf(statement: AnyResource): string | undefined {
  const { software } = statement
  if (typeof software !== 'object' || software === null || !('name' in software)) return undefined
  return typeof software.name === 'string' ? software.name : undefined
}

function objectsIn(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'object' && one !== null) : []
}
