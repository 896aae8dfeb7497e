import { z } from 'zod'
import { fhirMcpError } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'

/** A study that the claim names, and the organization that owns it where the claim says so. */
export interface StudyPermission {
  readonly id: string
  readonly organization: string | undefined
}

/** An organization that the claim names, with the caller's role in it. */
export interface OrganizationPermission {
  readonly id: string
  readonly name: string | undefined
  readonly role: string | undefined
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

const claimSchema = z.object({
  studies: z.array(
    z.union([
      fhirId.transform((study) => ({ id: study, organization: undefined })),
      z
        .object({ id: fhirId, organization: fhirId.nullish() })
        .transform((study) => ({ id: study.id, organization: study.organization ?? undefined })),
    ]),
  ),
  organizations: z.array(
    z.union([
      fhirId.transform((organization) => ({ id: organization, name: undefined, role: undefined })),
      z
        .object({ id: fhirId, name: text.nullish().catch(undefined), role: text.nullish() })
        .transform((organization) => ({
          id: organization.id,
          name: organization.name ?? undefined,
          role: organization.role ?? undefined,
        })),
    ]),
  ),
})

/**
 * Reads the permissions claim: `{ studies: [id | {id, organization?}], organizations: [id | {id, name?, role?}] }`,
 * ids as strings or whole numbers. Both lists must be there. One bad entry refuses the whole claim, and so does an
 * id that is named twice with different roles or organizations: half a claim is never used.
 * Throws NO_PERMISSIONS.
 */
export function parsePermissions(claim: unknown): Permissions {
  const parsed = claimSchema.safeParse(claim)
  if (!parsed.success) throw fhirMcpError('NO_PERMISSIONS')
  return {
    studies: uniqueById(parsed.data.studies, (study) => study.organization),
    organizations: uniqueById(parsed.data.organizations, (organization) => organization.role),
    superuser: false,
  }
}

function uniqueById<T extends { id: string }>(entries: readonly T[], mark: (entry: T) => string | undefined) {
  const byId = new Map<string, T>()
  for (const entry of entries) {
    const earlier = byId.get(entry.id)
    if (earlier !== undefined && mark(earlier) !== mark(entry)) throw fhirMcpError('NO_PERMISSIONS')
    byId.set(entry.id, entry)
  }
  return byId
}

/** The permissions of somebody who is signed in and may see nothing. */
export const noPermissions: Permissions = { studies: new Map(), organizations: new Map(), superuser: false }
