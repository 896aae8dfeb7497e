import { fhirMcpError } from '../errors.ts'

/** A port to listen on; 0 is any free one. Throws CONFIG. */
export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw fhirMcpError('CONFIG', { detail: 'FHIR_MCP_PORT (--port) must be a port number.' })
}
