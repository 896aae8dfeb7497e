import { createHash } from 'node:crypto'
import { z } from 'zod'
import { createExchangeApi } from '../identity/exchange-api.ts'
import type { AskJson } from '../identity/json-endpoint.ts'
import type { BrokerAddress } from './address.ts'
import { interactionPath } from './address.ts'
import { isLoopbackRedirect, redirectIdentity } from './client-policy.ts'
import type { ConsentModel } from './consent/model.ts'
import type { Holding } from './holdings.ts'
import type { BrokerSettings } from './options.ts'
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

const rememberedSchema = z.object({ asked: z.array(z.string()), allowed: z.array(z.string()) })

/** What people allowed which clients. */
export interface Consents {
  /** The scopes that are allowed again without a question; undefined when the person has to be asked. */
  remembered(subject: string, asked: AskedFor): Promise<readonly string[] | undefined>
  remember(subject: string, asked: AskedFor, allowed: readonly string[]): Promise<void>
  /** What the page shows. Titles of studies are read where they can be; without them it shows ids. */
  model(asked: AskedFor, holding: Holding, csrf: string): Promise<ConsentModel>
}

/** Makes the consents. */
export function createConsents(
  parts: { readonly address: BrokerAddress; readonly storage: Storage; readonly ask: AskJson },
  settings: Pick<BrokerSettings, 'claims' | 'consentLifetime'>,
): Consents {
  const { address, storage, ask } = parts
  const { apiUrl } = settings.claims

  async function titles(accessToken: string): Promise<ReadonlyMap<string, string>> {
    if (apiUrl === undefined) return new Map()
    try {
      const listed = (await createExchangeApi(apiUrl.replace(/\/+$/, ''), ask).studies(accessToken)) ?? []
      return new Map(listed.flatMap(({ id, name }) => (name ? [[String(id), name] as const] : [])))
    } catch {
      return new Map()
    }
  }

  return {
    async remembered(subject, asked) {
      if (!canBeRemembered(asked)) return undefined
      const text = await storage.get('Consent', keyOf(subject, asked))
      if (text === undefined) return undefined
      const earlier = rememberedSchema.parse(JSON.parse(text))
      if (!asked.scopes.every((scope) => earlier.asked.includes(scope))) return undefined
      return asked.scopes.filter((scope) => earlier.allowed.includes(scope))
    },
    async remember(subject, asked, allowed) {
      if (settings.consentLifetime === 0 || !canBeRemembered(asked)) return
      const text = JSON.stringify({ asked: asked.scopes, allowed })
      await storage.set('Consent', keyOf(subject, asked), text, settings.consentLifetime)
    },
    async model(asked, holding, csrf) {
      const { studies, organizations } = holding.permissions
      const names = new Map(organizations.map(({ id, name }) => [id, name]))
      const title = await titles(holding.accessToken)
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
          name: title.get(id),
          organization: organization === undefined ? undefined : (names.get(organization) ?? organization),
        })),
        organizations: organizations.map(({ id, name, role }) => ({ id, name, role })),
        resourceHost: new URL(address.resource).host,
        action: interactionPath(address, asked.uid),
        csrf,
      }
    },
  }
}

/**
 * Whether the client is known again the next time. Any program on the person's machine can say that it is the one of a public
 * document and listen on loopback, so there the person is asked each time (RFC 8252 §8.6).
 */
function canBeRemembered({ clientId, redirectUri }: AskedFor): boolean {
  return documentUrl(clientId) === undefined || !isLoopbackRedirect(redirectUri)
}

function documentUrl(clientId: string): URL | undefined {
  return /^https:/i.test(clientId) && URL.canParse(clientId) ? new URL(clientId) : undefined
}

function keyOf(subject: string, { clientId, redirectUri }: AskedFor): string {
  const about = JSON.stringify([subject, clientId, redirectIdentity(redirectUri)])
  return createHash('sha256').update(about).digest('base64url')
}
