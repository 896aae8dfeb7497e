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

/**
 * The role that counts for each study: that of its organization where the claim names both, else the lowest in
 * the token (a study whose organization is unknown gives no more than the caller has everywhere).
 */
export function studyRoles(
  table: RoleTable,
  permissions: Permissions,
): (study: string) => string | undefined {
  const lowest = lowestRole(table, permissions)
  return (study) => {
    const owner = permissions.studies.get(study)?.organization
    const named = owner === undefined ? undefined : permissions.organizations.get(owner)
    return named === undefined ? lowest : named.role
  }
}

function lowestRole(table: RoleTable, permissions: Permissions): string | undefined {
  let lowest: string | undefined
  let first = true
  for (const { role } of permissions.organizations.values()) {
    if (first || rankOf(table, role) < rankOf(table, lowest)) lowest = role
    first = false
  }
  return lowest
}
