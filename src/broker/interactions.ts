import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { isSame } from '../pages/same.ts'
import type { BrokerAddress } from './address.ts'
import { isLoopbackRedirect } from './client-policy.ts'
import { type ConsentModel, type ContinueModel, consentFields, type ErrorModel } from './consent/model.ts'
import type { AskedFor, Consents } from './consents.ts'
import { expiredModel } from './failure.ts'
import type { Holding, Holdings } from './holdings.ts'
import { isDataScope } from './scopes.ts'
import type { SignIns } from './sign-ins.ts'
import type { Upstream } from './upstream.ts'

/** A request and its response, as oidc-provider wants them. */
export interface Exchanged {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What the browser is answered. */
export type Step =
  | { readonly kind: 'redirect'; readonly url: string; readonly cookie?: Cookie }
  | { readonly kind: 'consent'; readonly model: ConsentModel }
  | { readonly kind: 'continue'; readonly model: ContinueModel }
  | { readonly kind: 'error'; readonly model: ErrorModel }

export interface Cookie {
  readonly name: string
  readonly value: string
}

/** The person's part of an authorization: sign-in at the upstream, then consent. */
export interface Interactions {
  /** The browser comes from the client, or back from the upstream. */
  show(uid: string, exchanged: Exchanged): Promise<Step>
  /** The form of the consent page. */
  decide(uid: string, form: URLSearchParams, exchanged: Exchanged): Promise<Step>
}

export interface InteractionParts {
  readonly provider: Provider
  readonly address: BrokerAddress
  readonly signIns: SignIns
  readonly consents: Consents
  readonly holdings: Holdings
  readonly upstream: Upstream
  /** Seconds that a sign-in is good for; without `offline_access` only as long as one access token. */
  readonly accessTokenLifetime: number
  readonly now: () => number
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>

const expired: Step = { kind: 'error', model: expiredModel }
const denied = { error: 'access_denied', error_description: 'The person did not allow it.' } as const

/** Makes the interactions. */
export function createInteractions(parts: InteractionParts): Interactions {
  const { provider, address, signIns, consents, holdings, upstream } = parts

  /** The interaction of this browser; undefined when the cookie is not there, or is of another one. */
  async function detailsOf(uid: string, { request, response }: Exchanged): Promise<Details | undefined> {
    try {
      const details = await provider.interactionDetails(request, response)
      return details.uid === uid ? details : undefined
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'SessionNotFound') return undefined
      throw thrown
    }
  }

  /** What the client asked for (RFC 8707): the endpoint, or the stream of HTTP+SSE. Anything else was refused before. */
  const resourceOf = ({ params }: Details) =>
    params.resource === address.sseResource ? address.sseResource : address.resource

  const finish = ({ request, response }: Exchanged, result: Parameters<Provider['interactionResult']>[2]) =>
    provider.interactionResult(request, response, result, { mergeWithLastSubmission: false })

  async function allow(
    exchanged: Exchanged,
    details: Details,
    asked: AskedFor,
    holding: Holding,
    allowed: readonly string[],
  ): Promise<string> {
    const grant = new provider.Grant({ accountId: holding.subject, clientId: asked.clientId })
    const requested = String(details.params.scope ?? '').split(' ')
    const refused = asked.scopes.filter((scope) => !allowed.includes(scope))
    const data = allowed.filter(isDataScope)
    grant.addOIDCScope([...requested.filter((scope) => scope === 'openid'), ...allowed].join(' '))
    const resource = resourceOf(details)
    grant.addResourceScope(resource, data.join(' '))
    if (refused.length > 0) {
      grant.rejectOIDCScope(refused.join(' '))
      grant.rejectResourceScope(resource, refused.join(' '))
    }
    const grantId = await grant.save()
    const offline = holding.offline && allowed.includes('offline_access')
    const oneToken = Math.floor(parts.now() / 1000) + parts.accessTokenLifetime + 120
    const until = offline ? holding.until : oneToken
    await holdings.put(grantId, { ...holding, offline, until, redeemed: false })
    return finish(exchanged, {
      login: { accountId: holding.subject, remember: false },
      consent: { grantId },
    })
  }

  return {
    async show(uid, exchanged) {
      const details = await detailsOf(uid, exchanged)
      if (details === undefined) return expired
      const outcome = await signIns.outcome(uid)
      if (outcome === undefined) {
        const { url, cookie } = await signIns.begin(uid, String(details.params.client_id))
        return { kind: 'redirect', url: url.href, cookie }
      }
      if ('failed' in outcome) {
        await signIns.close(uid)
        const result = { error: outcome.failed, error_description: outcome.description }
        return { kind: 'redirect', url: await finish(exchanged, result) }
      }
      const { holding, csrf } = outcome
      const asked = await askedFor(provider, details, holding)
      const again = String(details.params.prompt ?? '')
        .split(' ')
        .includes('consent')
      if (again || !(await consents.remembered(holding, asked))) {
        return { kind: 'consent', model: await consents.model(asked, holding, csrf) }
      }
      if ((await signIns.close(uid)) === undefined) return expired
      return { kind: 'redirect', url: await allow(exchanged, details, asked, holding, asked.scopes) }
    },

    async decide(uid, form, exchanged) {
      const details = await detailsOf(uid, exchanged)
      const outcome = await signIns.outcome(uid)
      if (details === undefined || outcome === undefined || 'failed' in outcome) return expired
      if (!isSame(form.get(consentFields.csrf) ?? '', outcome.csrf)) return expired
      if ((await signIns.close(uid)) === undefined) return expired
      const { holding } = outcome
      const asked = await askedFor(provider, details, holding)
      const chosen = form.getAll(consentFields.scope)
      const allowed =
        form.get(consentFields.decision) === 'allow'
          ? asked.scopes.filter((scope) => chosen.includes(scope))
          : []
      const { redirectUri } = asked
      const back = {
        redirectHost: new URL(redirectUri).host,
        redirectIsLoopback: isLoopbackRedirect(redirectUri),
      }
      if (!allowed.some(isDataScope)) {
        await upstream.revoke(holding)
        return { kind: 'continue', model: { ...back, href: await finish(exchanged, denied) } }
      }
      await consents.remember(holding, asked, allowed)
      const href = await allow(exchanged, details, asked, holding, allowed)
      return { kind: 'continue', model: { ...back, href } }
    },
  }
}

/** Staying signed in is the person's choice wherever the client can do it, whether or not it asks in so many words. */
async function askedFor(provider: Provider, { uid, params }: Details, holding: Holding): Promise<AskedFor> {
  const client = await provider.Client.find(String(params.client_id))
  const requested = String(params.scope ?? '').split(' ')
  const offline = holding.offline && client?.grantTypeAllowed('refresh_token') === true
  return {
    uid,
    clientId: String(params.client_id),
    clientName: client?.clientName,
    redirectUri: String(params.redirect_uri),
    scopes: [...requested.filter(isDataScope), ...(offline ? ['offline_access'] : [])],
  }
}
