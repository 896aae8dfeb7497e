import { z } from 'zod'
import { noPermissions, type Permissions } from '../access/permissions.ts'
import { fhirMcpError } from '../errors.ts'
import { createDerivation } from '../identity/derivation.ts'
import { createDiscovery } from '../identity/discovery.ts'
import { createExchangeApi } from '../identity/exchange-api.ts'
import { createIntrospect } from '../identity/introspection.ts'
import type { AskJson } from '../identity/json-endpoint.ts'
import { permissionsOf, type Reading } from '../identity/reading.ts'
import { isSuperuser } from '../identity/superuser.ts'
import { patientOf } from '../identity/token-claims.ts'
import { createAskUserinfo } from '../identity/userinfo.ts'
import type { BrokerSettings } from './options.ts'
import type { UpstreamTokens } from './upstream.ts'

/** The permissions claim as our tokens carry it. */
export const permissionsClaimSchema = z.object({
  studies: z.array(z.object({ id: z.string(), organization: z.string().optional() })),
  organizations: z.array(
    z.object({ id: z.string(), name: z.string().optional(), role: z.string().optional() }),
  ),
})
export type PermissionsClaim = z.output<typeof permissionsClaimSchema>

/** What was found out about a person's permissions. */
export interface ComputedClaims {
  readonly permissions: PermissionsClaim
  /** Whether what gave the permissions meets the superuser rule. */
  readonly superuser: boolean
  /** SMART launch context, where the person is a patient. */
  readonly patient: string | undefined
  /** Seconds since the epoch. */
  readonly claimsAt: number
}

/**
 * Computes a person's claims from the upstream's answers, with the person's token. Throws NO_PERMISSIONS (also when they are too many
 * for a token), TOKEN_INVALID, TOKEN_EXPIRED or ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE: what cannot be read is never an empty permission.
 */
export type ComputeClaims = (subject: string, tokens: UpstreamTokens) => Promise<ComputedClaims>

type Source = BrokerSettings['claims']['sources'][number]

const clockTolerance = 5

/** Bytes of the claim as JSON: with more, the token would not fit the 16 KiB of headers that servers take. */
const mostBytes = 8192

/**
 * Makes `ComputeClaims`. The sources are asked in their order; the first that has the claim, or meets the superuser rule, counts,
 * and it alone. `now` in milliseconds.
 */
export function createComputeClaims(
  { upstream, claims }: Pick<BrokerSettings, 'upstream' | 'claims'>,
  ask: AskJson,
  now: () => number,
): ComputeClaims {
  const { issuer } = upstream
  const userinfo = createAskUserinfo(claims.userinfoUrl, createDiscovery(issuer, ask, now), ask, now)
  const introspect =
    claims.introspection === undefined
      ? undefined
      : createIntrospect(claims.introspection, { issuer, clockTolerance }, ask, now)
  const derivation =
    claims.apiUrl === undefined
      ? undefined
      : createDerivation(createExchangeApi(claims.apiUrl.replace(/\/+$/, ''), ask), now)

  async function read(source: Source, tokens: UpstreamTokens): Promise<Reading | undefined> {
    switch (source) {
      case 'id_token':
        return tokens.idClaims === undefined ? undefined : idReading(tokens.idClaims, now())
      case 'userinfo':
        return userinfo(tokens.accessToken)
      case 'introspection':
        return introspect?.(tokens.accessToken)
      case 'exchange':
        return derivation?.read(tokens.accessToken, true)
    }
  }

  return async (subject, tokens) => {
    for (const source of claims.sources) {
      const reading = await read(source, tokens)
      if (reading === undefined) continue
      if ((reading.subject ?? subject) !== subject) throw fhirMcpError('TOKEN_INVALID')
      const permissions = permissionsOf(reading, claims)
      const superuser = isSuperuser(claims.superuser, reading.claims)
      if (permissions === undefined && !superuser) continue
      return {
        permissions: fitting(claimOf(permissions ?? noPermissions)),
        superuser,
        patient: reading.patient ?? patientOf(reading.claims),
        claimsAt: Math.floor(now() / 1000),
      }
    }
    throw fhirMcpError('NO_PERMISSIONS')
  }
}

function idReading(claims: NonNullable<UpstreamTokens['idClaims']>, now: number): Reading {
  return {
    source: 'jwt',
    claims,
    permissions: undefined,
    subject: typeof claims.sub === 'string' ? claims.sub : undefined,
    patient: undefined,
    expiresAt: undefined,
    claimsAt: Math.floor(now / 1000),
  }
}

/** The claim by which the plugin knows a superuser: there with its one value, or not at all. */
export function superuserClaim(
  rule: BrokerSettings['claims']['superuser'],
  { superuser }: Pick<ComputedClaims, 'superuser'>,
): Readonly<Record<string, string | boolean>> {
  return rule !== undefined && superuser ? { [rule.claim]: rule.value } : {}
}

/** A token that no server would take is not issued: the person would be signed in, and every call would fail. */
function fitting(claim: PermissionsClaim): PermissionsClaim {
  const bytes = Buffer.byteLength(JSON.stringify(claim))
  if (bytes <= mostBytes) return claim
  throw fhirMcpError('NO_PERMISSIONS', {
    detail: `They are too many for a token: ${bytes} bytes of at most ${mostBytes}.`,
  })
}

function claimOf({ studies, organizations }: Permissions): PermissionsClaim {
  return {
    studies: [...studies.values()].flatMap(({ id, organizations: owners }) =>
      owners.length === 0 ? [{ id }] : owners.map((organization) => ({ id, organization })),
    ),
    organizations: [...organizations.values()].flatMap(({ id, name, roles }) => {
      const named = { id, ...(name === undefined ? {} : { name }) }
      return roles.length === 0 ? [named] : roles.map((role) => ({ ...named, role }))
    }),
  }
}
