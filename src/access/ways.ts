import type { Permissions } from './permissions.ts'
import { type RoleTable, roleMayCall, strongestRole, studyRoles } from './roles.ts'
import type { RosterKey } from './target.ts'

/** The studies and organizations of the claim in which the caller's role may call a tool. */
export interface Ways {
  /** In the order of the claim, studies first. The same array each time. */
  readonly keys: readonly RosterKey[]
  readonly studies: ReadonlySet<string>
  readonly organizations: ReadonlySet<string>
}

/** Finds the ways of a tool. */
type WaysOfTool = (tool: string) => Ways

const known = new WeakMap<Permissions, WeakMap<RoleTable, WaysOfTool>>()

/**
 * The ways of a caller to call a tool. Worked out once for each permissions, role table and tool, and kept as long as the
 * permissions are: with 1,000 studies it takes 0.3 ms, and 0.1 µs from then on. Neither may be changed after it was used.
 */
export function waysOf(permissions: Permissions, roles: RoleTable, tool: string): Ways {
  const byRoles = known.get(permissions) ?? new WeakMap<RoleTable, WaysOfTool>()
  const found = byRoles.get(roles)
  if (found !== undefined) return found(tool)
  const made = waysByTool(permissions, roles)
  known.set(permissions, byRoles.set(roles, made))
  return made(tool)
}

/** Whether something is among ways. */
export function isWay(ways: Ways, { kind, id }: RosterKey): boolean {
  return (kind === 'study' ? ways.studies : ways.organizations).has(id)
}

/** Tools that the same of the caller's roles may call share their ways. */
function waysByTool(permissions: Permissions, roles: RoleTable): WaysOfTool {
  const all = keysWithRole(permissions, roles)
  const held = [...new Set(all.map(({ role }) => role))]
  const byTool = new Map<string, Ways>()
  const byRoles = new Map<string, Ways>()
  return (tool) => {
    const found = byTool.get(tool)
    if (found !== undefined) return found
    const may = new Set(held.filter((role) => roleMayCall(roles, role, tool)))
    const name = JSON.stringify(held.map((role) => may.has(role)))
    const ways = byRoles.get(name) ?? waysAmong(all.filter(({ role }) => may.has(role)).map(({ key }) => key))
    byTool.set(tool, ways)
    byRoles.set(name, ways)
    return ways
  }
}

function keysWithRole(permissions: Permissions, roles: RoleTable) {
  const roleIn = studyRoles(roles, permissions)
  const keys: { readonly key: RosterKey; readonly role: string | undefined }[] = []
  for (const id of permissions.studies.keys()) keys.push({ key: { kind: 'study', id }, role: roleIn(id) })
  for (const [id, { roles: held }] of permissions.organizations) {
    keys.push({ key: { kind: 'organization', id }, role: strongestRole(roles, held) })
  }
  return keys
}

function waysAmong(keys: readonly RosterKey[]): Ways {
  const ids = (kind: RosterKey['kind']) =>
    new Set(keys.filter((key) => key.kind === kind).map(({ id }) => id))
  return { keys, studies: ids('study'), organizations: ids('organization') }
}
