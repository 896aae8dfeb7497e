import { parsePermissions } from '../access/permissions.ts'
import { fhirMcpError } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'
import type { ExchangeApi, ListedOrganization, ListedStudy, Profile } from './exchange-api.ts'
import type { Reading } from './reading.ts'

/** The role that a JupyterHealth Exchange gives its superusers everywhere; it is no membership. */
const superuserRole = 'super_user'

/** Derives permissions from a JupyterHealth Exchange with the caller's token. Throws what `ExchangeApi` throws. */
export interface Derivation {
  /** `withProfile` asks for the profile too: for the subject, and for the superuser rule. */
  read(token: string, withProfile: boolean): Promise<Reading>
  subject(token: string): Promise<string>
}

/**
 * The organizations in which the caller has a role, and the caller's studies, as the claim would say them. A superuser
 * is a member of nothing and gets nothing here; the claims for the configured rule are `isSuperuser` and `userType` of
 * the profile, and `currentUserRole`, the roles that the caller has. `now` is in milliseconds.
 */
export function createDerivation(api: ExchangeApi, now: () => number): Derivation {
  return {
    async subject(token) {
      return (await api.profile(token)).id
    },
    async read(token, withProfile) {
      const at = Math.floor(now() / 1000)
      const [organizations, studies, early] = await Promise.all([
        api.organizations(token),
        api.studies(token),
        withProfile ? api.profile(token) : undefined,
      ])
      const profile = early ?? (studies === undefined ? await api.profile(token) : undefined)
      const roles = new Set(organizations.flatMap(({ currentUserRole }) => currentUserRole ?? []))
      return {
        source: 'exchange',
        claims: {
          isSuperuser: profile?.isSuperuser,
          userType: profile?.userType,
          currentUserRole: [...roles],
        },
        permissions: parsePermissions(claimOf(organizations, studies ?? [], roles.has(superuserRole))),
        subject: profile?.id,
        patient: studies === undefined ? patientOf(profile) : undefined,
        expiresAt: undefined,
        claimsAt: at,
      }
    },
  }
}

function claimOf(
  organizations: readonly ListedOrganization[],
  studies: readonly ListedStudy[],
  superuser: boolean,
) {
  const joined = organizations.flatMap(({ id, name, currentUserRole: role }) =>
    role === null || role === superuserRole ? [] : [{ id, name, role }],
  )
  const listed = studies.map(({ id, organization }) => ({ id, organization: organization?.id }))
  const own = new Set(joined.map(({ id }) => String(id)))
  return {
    organizations: joined,
    // A superuser's list is not one of memberships.
    studies: superuser ? listed.filter(({ organization }) => own.has(String(organization))) : listed,
  }
}

/** A user without studies is a patient, or something that we cannot read. */
function patientOf(profile: Profile | undefined): string {
  const id = profile?.patient?.id
  if (id === undefined || !isFhirId(String(id))) throw fhirMcpError('NO_PERMISSIONS')
  return String(id)
}
