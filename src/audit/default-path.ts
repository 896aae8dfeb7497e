import { join } from 'node:path'
import envPaths from 'env-paths'

/** Where records go unless `audit.path` says something else: a folder of the user's own, where the system keeps logs. */
export function defaultAuditPath(): string {
  return join(envPaths('fastify-fhir-mcp', { suffix: '' }).log, 'audit.ndjson')
}
