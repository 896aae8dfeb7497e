import type { FastifyInstance } from 'fastify'
import { fhirMcpError } from '../errors.ts'

const cures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: end the program that has it, or choose another with --port or FHIR_MCP_PORT',
  EACCES: 'may not be used by this user: choose one from 1024 up with --port or FHIR_MCP_PORT',
  EADDRNOTAVAIL: 'cannot be had, since that is no address of this machine: set --host or FHIR_MCP_HOST',
}

/** Has a server listen. Throws CONFIG, with the port and what to do, where it may not; anything else as it is thrown. */
export async function listenAt(app: FastifyInstance, at: { host: string; port: number }): Promise<void> {
  try {
    await app.listen(at)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    const cure = cures[code]
    if (cure === undefined) throw thrown
    throw fhirMcpError('CONFIG', { detail: `Port ${at.port} at ${at.host} ${cure} (${code}).` })
  }
}
