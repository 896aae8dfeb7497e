import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import { hijack } from '../../plugins/hijack.ts'
import { isLoopbackRedirect } from '../broker/client-policy.ts'
import { pageHeaders } from '../broker/consent/headers.ts'
import { consentFields } from '../broker/consent/model.ts'
import { continuePage, errorPage } from '../broker/consent/page.ts'
import { errorModel, expiredModel } from '../broker/failure.ts'
import { isDataScope } from '../broker/scopes.ts'
import { sseResourceBeside } from '../mcp/sse-resource.ts'
import { withoutCookie } from '../pages/cookies.ts'
import { isSame } from '../pages/same.ts'
import type { Person } from './cast.ts'
import { demoClient } from './own-client.ts'
import { peoplePage, personField } from './people-page.ts'
import { cookieNames } from './provider.ts'

/** What the routes are made of. */
export interface IssuerRoutes {
  readonly provider: Provider
  readonly resource: string
  readonly people: readonly Person[]
  readonly foreignData?: boolean
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>
type InteractionRequest = FastifyRequest<{ Params: { uid: string } }>

/** The routes of the issuer: the page on which a person is chosen is ours, everything else is oidc-provider's. */
export async function issuerRoutes(fastify: FastifyInstance, parts: IssuerRoutes): Promise<void> {
  const answer = parts.provider.callback()
  fastify.setErrorHandler((thrown, _, reply) =>
    reply
      .code(500)
      .headers(pageHeaders)
      .send(errorPage(errorModel('server_error', thrown))),
  )
  await fastify.register(async (pages) => pageRoutes(pages, parts))
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // oidc-provider reads bodies by itself.
    scope.addContentTypeParser('*', (_, __, done) => done(null))
    scope.all('/*', async ({ raw }, reply) => {
      // No authorization leans on an earlier one.
      raw.headers.cookie = withoutCookie(raw.headers.cookie, cookieNames.session)
      hijack(reply)
      await answer(raw, reply.raw)
    })
  })
}

async function pageRoutes(fastify: FastifyInstance, parts: IssuerRoutes): Promise<void> {
  const { provider, resource, people } = parts
  const secret = randomBytes(32)
  const csrfOf = (uid: string) => createHmac('sha256', secret).update(uid).digest('base64url')
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4096 },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  )

  /** The interaction of this browser; undefined when its cookie is not there, or is of another one. */
  async function detailsOf(request: InteractionRequest, reply: FastifyReply): Promise<Details | undefined> {
    try {
      const details = await provider.interactionDetails(request.raw, reply.raw)
      return details.uid === request.params.uid ? details : undefined
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'SessionNotFound') return undefined
      throw thrown
    }
  }

  const expired = (reply: FastifyReply) => reply.code(400).headers(pageHeaders).send(errorPage(expiredModel))

  const finish = (
    request: FastifyRequest,
    reply: FastifyReply,
    result: Parameters<Provider['interactionResult']>[2],
  ) => provider.interactionResult(request.raw, reply.raw, result, { mergeWithLastSubmission: false })

  /** Lets a person in, and consents to what the client asked for. Returns where the browser goes on. */
  async function letIn(
    request: FastifyRequest,
    reply: FastifyReply,
    { params }: Details,
    accountId: string,
  ): Promise<string> {
    const scopes = String(params.scope ?? '').split(' ')
    const grant = new provider.Grant({ accountId, clientId: String(params.client_id) })
    grant.addOIDCScope(scopes.join(' '))
    const sse = sseResourceBeside(resource)
    grant.addResourceScope(params.resource === sse ? sse : resource, scopes.filter(isDataScope).join(' '))
    const grantId = await grant.save()
    return finish(request, reply, { login: { accountId, remember: false }, consent: { grantId } })
  }

  async function choicePage({ uid, params }: Details): Promise<string> {
    const client = await provider.Client.find(String(params.client_id))
    const redirectUri = String(params.redirect_uri)
    return peoplePage({
      clientName: client?.clientName,
      redirectHost: new URL(redirectUri).host,
      redirectIsLoopback: isLoopbackRedirect(redirectUri),
      resourceHost: new URL(resource).host,
      people,
      foreignData: parts.foreignData ?? false,
      action: `/interaction/${uid}`,
      csrf: csrfOf(uid),
    })
  }

  fastify.get('/interaction/:uid', async (request: InteractionRequest, reply) => {
    const details = await detailsOf(request, reply)
    if (details === undefined) return expired(reply)
    const { client_id: clientId, login_hint: hint } = details.params
    if (clientId === demoClient.id && people.some(({ name }) => name === hint)) {
      return reply.redirect(await letIn(request, reply, details, String(hint)), 303)
    }
    return reply.headers(pageHeaders).send(await choicePage(details))
  })

  fastify.post('/interaction/:uid', async (request: InteractionRequest, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const details = await detailsOf(request, reply)
    if (details === undefined || !isSame(form.get(consentFields.csrf) ?? '', csrfOf(details.uid))) {
      return expired(reply)
    }
    const redirectUri = String(details.params.redirect_uri)
    const back = {
      redirectHost: new URL(redirectUri).host,
      redirectIsLoopback: isLoopbackRedirect(redirectUri),
    }
    reply.headers(pageHeaders)
    if (form.get(consentFields.decision) !== 'allow') {
      const denied = { error: 'access_denied', error_description: 'The person did not sign in.' }
      return reply.send(continuePage({ ...back, href: await finish(request, reply, denied) }))
    }
    const person = people.find(({ name }) => name === form.get(personField))
    if (person === undefined) return reply.code(400).send(await choicePage(details))
    const href = await letIn(request, reply, details, person.name)
    return reply.send(continuePage({ ...back, href }))
  })
}
