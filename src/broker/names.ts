import { importJWK, SignJWT } from 'jose'
import type { NamesFor, NamesQuestion } from '../../plugins/broker.ts'
import { parsePermissions } from '../access/permissions.ts'
import { parseScopes } from '../access/scopes.ts'
import type { Names } from '../mcp/names.ts'
import type { BrokerAddress } from './address.ts'
import type { Holding } from './holdings.ts'
import type { SigningKeys } from './signing-keys.ts'

/** Names for the consent page, from the exchange behind the plugin that stands beside the broker. */
export interface Naming {
  /** Names as far as they are to be had within `patience`. It never throws: the page then shows ids. */
  namesOf(holding: Holding): Promise<Names>
  /** Takes the plugin's way of reading them. */
  nameBy(namesFor: NamesFor): void
  /** The upstream's token of somebody whose names are being read: there is no grant yet that it could be found by. */
  heldFor(principal: object): string | undefined
}

export interface NamingParts {
  readonly address: BrokerAddress
  readonly keys: SigningKeys
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long a person waits for names, in milliseconds. */
  readonly patience: number
}

const nothing: Names = { studies: new Map(), organizations: new Map() }
/** All that names are read with. */
const scope = 'user/ResearchStudy.rs'
/** Seconds that a token of ours for it is good. */
const lifetime = 60

/** Makes the naming. */
export function createNaming(parts: NamingParts): Naming {
  const { address, keys, patience } = parts
  const held = new WeakMap<object, string>()
  let namesFor: NamesFor | undefined
  const seconds = () => Math.floor(parts.now() / 1000)

  /** It goes to the plugin's token endpoint alone. Its client is the broker: nobody was allowed anything yet. */
  async function tokenFor({ subject, permissions }: Holding): Promise<string> {
    const [key] = keys.all
    const { alg, kid } = keys.current
    return new SignJWT({ client_id: address.issuer, scope, jhe_permissions: permissions })
      .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
      .setIssuer(address.issuer)
      .setSubject(subject)
      .setAudience(address.resource)
      .setJti(crypto.randomUUID())
      .setIssuedAt(seconds())
      .setExpirationTime(seconds() + lifetime)
      .sign(await importJWK(key ?? {}, alg))
  }

  function questionOn(holding: Holding): NamesQuestion {
    const { subject, permissions, claimsAt } = holding
    return {
      principal: {
        issuer: address.issuer,
        subject,
        client: undefined,
        // As the token will say them: never those of a superuser, whose question would be for every study.
        permissions: parsePermissions(permissions),
        scopes: parseScopes(scope),
        patient: undefined,
        expiresAt: seconds() + lifetime,
        claimsAt,
        source: 'jwt',
      },
      token: () => tokenFor(holding),
    }
  }

  return {
    nameBy(given) {
      namesFor = given
    },
    heldFor: (principal) => held.get(principal),
    async namesOf(holding) {
      if (namesFor === undefined || holding.permissions.studies.length === 0) return nothing
      const question = questionOn(holding)
      held.set(question.principal, holding.accessToken)
      const signal = AbortSignal.timeout(patience)
      const late = new Promise<Names>((resolve) =>
        signal.addEventListener('abort', () => resolve(nothing), { once: true }),
      )
      try {
        return await Promise.race([namesFor(question, signal), late])
      } catch {
        return nothing
      } finally {
        held.delete(question.principal)
      }
    },
  }
}
