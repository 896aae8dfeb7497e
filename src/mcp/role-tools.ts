import type { RoleTable } from '../access/roles.ts'
import { fhirMcpError } from '../errors.ts'
import type { Registry } from './registry.ts'

/** Tools that a role may name where `fhir.types` leaves them out. */
const onRecord = ['search_fhir', 'read_fhir']

/** Throws CONFIG for a role that names a tool which there is not: what somebody meant to allow would be refused without a word. */
export function assertRolesNameTools(roles: RoleTable, { tools, resources }: Registry): void {
  const names = new Set(['*', ...onRecord, ...tools.keys()])
  for (const resource of resources.values()) if ('rule' in resource) names.add(resource.rule.name)
  for (const [role, named] of Object.entries(roles)) {
    const unknown = named.find((name) => !names.has(name))
    if (unknown === undefined) continue
    throw fhirMcpError('CONFIG', {
      detail: `access.roles: the role ${role} names ${unknown}, which is no tool. Tools are ${[...tools.keys()].join(', ')}.`,
    })
  }
}
