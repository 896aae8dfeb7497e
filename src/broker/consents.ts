import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { BrokerAddress } from './address.ts'
import { interactionPath } from './address.ts'
import { isLoopbackRedirect, redirectIdentity } from './client-policy.ts'
import type { ConsentModel } from './consent/model.ts'
import type { Holding } from './holdings.ts'
import type { Naming } from './names.ts'
import type { BrokerSettings } from './options.ts'
import { pageClientId } from './page-client.ts'
import { isDataScope, wordsOf } from './scopes.ts'
import type { Storage } from './storage.ts'

/** A client's request, as far as a person has to decide on it. */
export interface AskedFor {
  readonly uid: string
  readonly clientId: string
  readonly clientName: string | undefined
  readonly redirectUri: string
  /** Scopes that the person may take away: data scopes, and `offline_access` where the client can be given it. */
  readonly scopes: readonly string[]
}

const rememberedSchema = z.object({ allowed: z.array(z.string()) })

/** What people allowed which clients. */
export interface Consents {
  /**
   * Whether all that is asked for was allowed before. Where something was refused the person is asked again: it may be what
   * the client came back for (a step-up after `insufficient_scope`).
   */
  remembered(holding: Holding, asked: AskedFor): Promise<boolean>
  remember(holding: Holding, asked: AskedFor, allowed: readonly string[]): Promise<void>
  /** What the page shows. Names are read where they can be; without them it shows ids. */
  model(asked: AskedFor, holding: Holding, csrf: string): Promise<ConsentModel>
}

/** Makes the consents. */
export function createConsents(
  parts: {
    readonly address: BrokerAddress
    readonly storage: Storage
    readonly namesOf: Naming['namesOf']
  },
  settings: Pick<BrokerSettings, 'consentLifetime'>,
): Consents {
  const { address, storage, namesOf } = parts

  return {
    async remembered(holding, asked) {
      if (!canBeRemembered(asked)) return false
      const text = await storage.get('Consent', keyOf(holding, asked))
      if (text === undefined) return false
      const { allowed } = rememberedSchema.parse(JSON.parse(text))
      return asked.scopes.every((scope) => allowed.includes(scope))
    },
    async remember(holding, asked, allowed) {
      if (settings.consentLifetime === 0 || !canBeRemembered(asked)) return
      const text = JSON.stringify({ allowed })
      await storage.set('Consent', keyOf(holding, asked), text, settings.consentLifetime)
    },
    async model(asked, holding, csrf) {
      const { studies, organizations } = holding.permissions
      const read = await namesOf(holding)
      const named = new Map(
        organizations.map(({ id, name }) => [id, name ?? read.organizations.get(id)] as const),
      )
      const redirect = new URL(asked.redirectUri)
      return {
        clientName: asked.clientName,
        clientId: asked.clientId,
        clientHost: documentUrl(asked.clientId)?.host,
        redirectHost: redirect.host,
        redirectIsLoopback: isLoopbackRedirect(asked.redirectUri),
        person: holding.person,
        scopes: asked.scopes.flatMap((scope) =>
          isDataScope(scope) || scope === 'offline_access' ? [{ scope, words: wordsOf(scope) }] : [],
        ),
        studies: studies.map(({ id, organization }) => ({
          id,
          name: read.studies.get(id),
          organization: organization === undefined ? undefined : (named.get(organization) ?? organization),
        })),
        organizations: organizations.map(({ id, role }) => ({ id, name: named.get(id), role })),
        everything: holding.superuser,
        resourceHost: new URL(address.resource).host,
        action: interactionPath(address, asked.uid),
        csrf,
      }
    },
  }
}

/**
 * Whether the client is known again the next time. Any program on the person's machine can say that it is the one of a public
 * document, or the start page, and listen on loopback, so there the person is asked each time (RFC 8252 §8.6).
 */
function canBeRemembered({ clientId, redirectUri }: AskedFor): boolean {
  const isPublic = documentUrl(clientId) !== undefined || clientId === pageClientId
  return !isPublic || !isLoopbackRedirect(redirectUri)
}

function documentUrl(clientId: string): URL | undefined {
  return /^https:/i.test(clientId) && URL.canParse(clientId) ? new URL(clientId) : undefined
}

/** Who allowed something while it reached some studies is asked anew when it would reach everything. */
function keyOf({ subject, superuser }: Holding, { clientId, redirectUri }: AskedFor): string {
  const reach = superuser ? ['everything'] : []
  const about = JSON.stringify([subject, clientId, redirectIdentity(redirectUri), ...reach])
  return createHash('sha256').update(about).digest('base64url')
}
