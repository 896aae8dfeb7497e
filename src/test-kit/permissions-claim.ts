/** The permissions claim as an issuer puts it into a token. */
export interface PermissionsClaim {
  readonly jhe_permissions: {
    readonly studies: readonly (string | { readonly id: string; readonly organization: string })[]
    readonly organizations: readonly { readonly id: string; readonly name?: string; readonly role?: string }[]
  }
}

/** Whom a token lets see what: study ids (with their organization where it is known), and roles by organization id. */
export interface Permitted {
  readonly studies?: readonly (string | { readonly id: string; readonly organization: string })[]
  readonly organizations?: Readonly<Record<string, string | undefined>>
}

/**
 * Makes the claims that say what a caller may see; spread them into those of a token. Without arguments: signed in,
 * sees nothing.
 *
 * @example
 * const claims = permissionsClaim({ studies: ['study-a'], organizations: { 'org-1': 'manager' } })
 * const token = await issuer.token({ aud: 'https://gateway.example/mcp', ...claims })
 */
export function permissionsClaim({ studies = [], organizations = {} }: Permitted = {}): PermissionsClaim {
  const list = Object.entries(organizations).map(([id, role]) => (role === undefined ? { id } : { id, role }))
  return { jhe_permissions: { studies: [...studies], organizations: list } }
}
