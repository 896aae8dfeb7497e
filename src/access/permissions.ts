import { z } from 'zod'
import { unreadableClaim } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'

/** A study that the claim names, and the organizations that own it where the claim says so: in practice one. */
export interface StudyPermission {
  readonly id: string
  readonly organizations: readonly string[]
}

/** An organization that the claim names, with the caller's roles in it: the strongest counts. */
export interface OrganizationPermission {
  readonly id: string
  readonly name: string | undefined
  readonly roles: readonly string[]
}

/**
 * What a token permits. Empty maps are valid: signed in, sees nothing. Never changed once it was made: what follows from it
 * is worked out once (`ways.ts`).
 */
export interface Permissions {
  readonly studies: ReadonlyMap<string, StudyPermission>
  readonly organizations: ReadonlyMap<string, OrganizationPermission>
  /** Set only by the configured superuser rule, never by the claim itself. */
  readonly superuser: boolean
}

const id = z.union([
  z.string(),
  z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).transform(String),
])
const fhirId = id.refine(isFhirId)
const text = z.string().trim().min(1).max(256)

const listed = <T>(value: T | null | undefined): T[] => (value === null || value === undefined ? [] : [value])

const claimSchema = z.object({
  studies: z.array(
    z.union([
      fhirId.transform((study) => ({ id: study, organizations: listed<string>(undefined) })),
      z
        .object({ id: fhirId, organization: fhirId.nullish() })
        .transform((study) => ({ id: study.id, organizations: listed(study.organization) })),
    ]),
  ),
  organizations: z.array(
    z.union([
      fhirId.transform((organization) => ({
        id: organization,
        name: undefined,
        roles: listed<string>(undefined),
      })),
      z
        .object({ id: fhirId, name: text.nullish().catch(undefined), role: text.nullish() })
        .transform((organization) => ({
          id: organization.id,
          name: organization.name ?? undefined,
          roles: listed(organization.role),
        })),
    ]),
  ),
})

/**
 * Reads the permissions claim: `{ studies: [id | {id, organization?}], organizations: [id | {id, name?, role?}] }`,
 * ids as strings or whole numbers. Both lists must be there. One bad entry refuses the whole claim: half a claim is never
 * used. What is named twice has all that is said of it. `name` is the claim's. Throws NO_PERMISSIONS, which says at which
 * element.
 */
export function parsePermissions(claim: unknown, name = 'jhe_permissions'): Permissions {
  const parsed = claimSchema.safeParse(claim)
  if (!parsed.success) throw unreadableClaim(name + firstWrong(parsed.error.issues))
  const { studies, organizations } = parsed.data
  return {
    studies: byId(studies, (earlier, study) => ({
      id: study.id,
      organizations: [...new Set([...earlier.organizations, ...study.organizations])],
    })),
    organizations: byId(organizations, (earlier, organization) => ({
      id: organization.id,
      name: earlier.name ?? organization.name,
      roles: [...new Set([...earlier.roles, ...organization.roles])],
    })),
    superuser: false,
  }
}

function byId<T extends { readonly id: string }>(
  entries: readonly T[],
  join: (earlier: T, entry: T) => T,
): Map<string, T> {
  const found = new Map<string, T>()
  for (const entry of entries) {
    const earlier = found.get(entry.id)
    found.set(entry.id, earlier === undefined ? entry : join(earlier, entry))
  }
  return found
}

/** Where the first of these issues is; of an entry that may have two forms, in the form that reaches further into it. */
function firstWrong(issues: readonly z.core.$ZodIssue[]): string {
  const paths = issues.slice(0, 1).map((first) => {
    const steps = first.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    const within = first.code === 'invalid_union' ? first.errors.map(firstWrong) : []
    return steps.join('') + within.reduce((longest, one) => (one.length > longest.length ? one : longest), '')
  })
  return paths.join('')
}

/** The permissions of somebody who is signed in and may see nothing. */
export const noPermissions: Permissions = { studies: new Map(), organizations: new Map(), superuser: false }
