import { noPermissions, type Permissions } from '../access/permissions.ts'
import type { ClaimsSource } from '../access/principal.ts'
import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import type { Identified } from './cache.ts'
import { permissionsOf, type Reading } from './reading.ts'
import { ofPerson } from './refused-person.ts'
import { answerLifetime, type Place, type Standing } from './standing.ts'
import { isSuperuser } from './superuser.ts'

/** A source that can be asked with a token. */
export interface Source {
  /** What it says; a source that has to be asked for the subject apart may leave it out where it is known. */
  read(token: string, subjectKnown: boolean): Promise<Reading>
  /** Who the token belongs to, where that is all that is missing. */
  readonly subject?: (token: string) => Promise<string>
}

/** The sources of the configuration that are asked; a JWT is verified before, and needs no asking. */
export type Sources = ReadonlyMap<Place, Source>

/** Reads the permissions of a token whose standing is established. */
export type ReadPermissions = (standing: Standing, token: string) => Promise<Identified>

/** The permissions that were found, where and when they were made or read. */
interface Found {
  readonly permissions: Permissions
  readonly source: ClaimsSource
  readonly claimsAt: number
}

/**
 * Asks the sources in their order and takes the first that has the claim. A malformed claim is a refusal, a missing one
 * goes on to the next source, and so does one of a JWT that is older than auth.maxClaimsAge. Every source that names a
 * subject must name the same. `now` is in milliseconds. Throws TOKEN_INVALID, TOKEN_EXPIRED, NO_PERMISSIONS or
 * ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
 */
export function createReadPermissions(
  options: AuthOptions,
  sources: Sources,
  now: () => number,
): ReadPermissions {
  const places: readonly Place[] = ['id_token', ...options.sources]

  async function askSubject(token: string): Promise<string> {
    for (const place of places) {
      const subject = sources.get(place)?.subject
      if (subject !== undefined) return subject(token)
    }
    throw fhirMcpError('TOKEN_INVALID', {
      detail: 'Introspection names no subject; auth.sources needs userinfo or exchange.',
    })
  }

  function permissionsIn(reading: Reading): Permissions | undefined {
    const permissions = permissionsOf(reading, options)
    if (!isSuperuser(options.superuser, reading.claims)) return permissions
    return { ...(permissions ?? noPermissions), superuser: true }
  }

  async function read(standing: Standing, token: string, known: { subject: string | undefined }) {
    const at = Math.floor(now() / 1000)
    const inHand = new Map(standing.inHand)
    let { patient, expiresAt } = standing
    let found: Found | undefined
    let tooOld = false
    for (const place of places) {
      let reading = inHand.get(place)
      if (reading === undefined) {
        reading = await sources.get(place)?.read(token, known.subject !== undefined)
        if (reading === undefined) continue
        known.subject = sameSubject(known.subject, reading)
        patient = samePatient(patient, reading.patient)
        expiresAt = earliest(expiresAt, reading.expiresAt)
      }
      const permissions = permissionsIn(reading)
      if (permissions === undefined) continue
      const { source, claimsAt } = reading
      // Claims of a JWT have an age, and without `iat` nobody knows it.
      tooOld = claimsAt === undefined || (source === 'jwt' && at - claimsAt > options.maxClaimsAge)
      if (claimsAt === undefined || tooOld) continue
      found = { permissions, source, claimsAt }
      break
    }
    if (found === undefined) throw fhirMcpError(tooOld ? 'TOKEN_EXPIRED' : 'NO_PERMISSIONS')
    const { permissions, source, claimsAt } = found
    const claimsUntil = source === 'jwt' ? claimsAt + options.maxClaimsAge : at + answerLifetime
    const validUntil = expiresAt ?? at + answerLifetime
    return {
      principal: {
        issuer: options.issuer,
        subject: known.subject ?? (await askSubject(token)),
        client: standing.client,
        permissions,
        scopes: standing.scopes,
        patient,
        expiresAt: validUntil,
        claimsAt,
        source,
        grant: standing.grant,
      },
      keepUntil: Math.min(standing.keepUntil, claimsUntil, validUntil),
      signed: standing.signed,
    }
  }

  return async (standing, token) => {
    const known = { subject: standing.subject }
    try {
      return await read(standing, token, known)
    } catch (thrown) {
      throw ofPerson(thrown, { ...known, issuer: options.issuer, client: standing.client })
    }
  }
}

/** The exchange names the subject only when it is asked for; every other source has to. */
function sameSubject(known: string | undefined, { source, subject }: Reading): string | undefined {
  if (known === undefined) return subject
  if (subject === undefined ? source !== 'exchange' : subject !== known) throw fhirMcpError('TOKEN_INVALID')
  return known
}

function samePatient(known: string | undefined, patient: string | undefined): string | undefined {
  if (known !== undefined && patient !== undefined && known !== patient) throw fhirMcpError('TOKEN_INVALID')
  return known ?? patient
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}
