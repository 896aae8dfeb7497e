import type { Permissions } from './permissions.ts'

/**
 * What each role may call: tool names, or `*` for all. Roles are listed from the weakest to the strongest;
 * the role `*` stands for every role that is not listed and for none at all, and is weaker than all others.
 */
export type RoleTable = Readonly<Record<string, readonly string[]>>

/** Every role, listed or not, may read. */
export const defaultRoles: RoleTable = { '*': ['*'] }

/** Strength of a role: its place in the table; 0 for `*`, for an unlisted role and for none. */
export function rankOf(table: RoleTable, role: string | undefined): number {
  if (role === undefined || role === '*') return 0
  const listed = Object.keys(table).filter((name) => name !== '*')
  return listed.indexOf(role) + 1
}

/** Whether a role may call a tool. */
export function roleMayCall(table: RoleTable, role: string | undefined, tool: string): boolean {
  const own = role !== undefined && Object.hasOwn(table, role) ? table[role] : undefined
  const tools = own ?? (Object.hasOwn(table, '*') ? table['*'] : undefined) ?? []
  return tools.includes('*') || tools.includes(tool)
}

/** The strongest of the roles that somebody has in an organization; undefined for none. */
export function strongestRole(table: RoleTable, roles: readonly string[]): string | undefined {
  let strongest = roles[0]
  for (const role of roles) if (rankOf(table, role) > rankOf(table, strongest)) strongest = role
  return strongest
}

/**
 * The role that counts for each study: the strongest in its organizations where the claim names both, else the lowest in
 * the token (a study whose organization is unknown gives no more than the caller has everywhere).
 */
export function studyRoles(
  table: RoleTable,
  permissions: Permissions,
): (study: string) => string | undefined {
  const lowest = lowestRole(table, permissions)
  return (study) => {
    const owners = permissions.studies.get(study)?.organizations ?? []
    const named = owners.flatMap((owner) => permissions.organizations.get(owner) ?? [])
    if (named.length === 0) return lowest
    return strongestRole(
      table,
      named.flatMap(({ roles }) => roles),
    )
  }
}

/** The lowest of the roles that count in the caller's organizations. */
function lowestRole(table: RoleTable, permissions: Permissions): string | undefined {
  const roles = [...permissions.organizations.values()].map((one) => strongestRole(table, one.roles))
  let lowest = roles[0]
  for (const role of roles) if (rankOf(table, role) < rankOf(table, lowest)) lowest = role
  return lowest
}
