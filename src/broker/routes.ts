import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import { hidden } from '../../plugins/hidden.ts'
import { hijack } from '../../plugins/hijack.ts'
import { keepQueriesFromLog } from '../../plugins/query-free-log.ts'
import { isFhirMcpError } from '../errors.ts'
import { describeFault } from '../mcp/fault.ts'
import { cookieIn, cookieLine, withoutCookie } from '../pages/cookies.ts'
import type { BrokerAddress } from './address.ts'
import { pageHeaders } from './consent/headers.ts'
import { consentPage, continuePage, errorPage } from './consent/page.ts'
import { errorModel, expiredModel } from './failure.ts'
import type { Interactions, Step } from './interactions.ts'
import type { BrokerLimits } from './limits.ts'
import { cookieNames } from './provider.ts'
import { completeScope } from './scopes.ts'
import { type SignIns, signInSeconds } from './sign-ins.ts'

/** What the routes are made of. */
export interface BrokerRoutes {
  readonly address: BrokerAddress
  readonly provider: Provider
  readonly interactions: Interactions
  readonly signIns: SignIns
  readonly limits: Pick<BrokerLimits, 'count'>
  /** The scopes that clients are offered. */
  readonly offered: readonly string[]
}

const discoveryPath = '/.well-known/openid-configuration'

/**
 * The routes of the broker: pages and the callback are ours, everything else is oidc-provider's. Their log lines of
 * each request are left out: URLs here carry codes and states.
 */
export async function brokerRoutes(fastify: FastifyInstance, parts: BrokerRoutes): Promise<void> {
  const { address } = parts
  keepQueriesFromLog(fastify)
  const route = { schema: hidden, exposeHeadRoute: false }
  const answer = parts.provider.callback()

  async function handOver(request: FastifyRequest, reply: FastifyReply, url: string): Promise<void> {
    const { raw } = request
    settleAddress(raw, address, url)
    hijack(reply)
    await answer(raw, reply.raw)
  }

  fastify.setErrorHandler((thrown, request, reply) => {
    if (isFhirMcpError(thrown)) request.log.warn({ code: thrown.code, at: thrown.at }, 'sign-in failed')
    else request.log.error({ fault: describeFault(thrown) }, 'sign-in failed')
    if (isFhirMcpError(thrown) && thrown.retryAfter !== undefined) {
      reply.header('retry-after', thrown.retryAfter)
    }
    if (isFhirMcpError(thrown, 'RATE_LIMITED') && !isPage(request, address)) {
      const { statusCode, message } = thrown
      return reply.code(statusCode).send({ error: 'temporarily_unavailable', error_description: message })
    }
    const model = errorModel(isFhirMcpError(thrown) ? '' : 'server_error', thrown)
    return reply
      .code(isFhirMcpError(thrown) ? thrown.statusCode : 500)
      .headers(pageHeaders)
      .send(errorPage(model))
  })

  fastify.addHook('onRequest', parts.limits.count)
  await fastify.register(async (pages) => pageRoutes(pages, parts))
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // oidc-provider reads bodies by itself.
    scope.addContentTypeParser('*', (_, __, done) => done(null))
    scope.get(`${address.path}/authorize`, route, (request, reply) =>
      handOver(request, reply, authorizeUrl(request, parts.offered)),
    )
    scope.route({
      ...route,
      method: ['GET', 'POST', 'OPTIONS'],
      url: `${address.path}/*`,
      handler: (request, reply) =>
        handOver(request, reply, (request.raw.url ?? '').slice(address.path.length)),
    })
    // RFC 8414 §3.1 and, for clients that follow it for OIDC too, the same place; the bare one is for clients that know no path.
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      for (const url of [`/.well-known/${name}${address.issuerPath}`, `/.well-known/${name}`]) {
        if (scope.hasRoute({ method: 'GET', url })) continue
        scope.get(url, route, (request, reply) => handOver(request, reply, discoveryPath))
      }
    }
  })
}

async function pageRoutes(fastify: FastifyInstance, parts: BrokerRoutes): Promise<void> {
  const { address, interactions, signIns } = parts
  const route = { schema: hidden, exposeHeadRoute: false }
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 16_384 },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  )

  async function settled(
    request: FastifyRequest<{ Params: { uid: string } }>,
    reply: FastifyReply,
    step: (
      uid: string,
      exchanged: { request: IncomingMessage; response: FastifyReply['raw'] },
    ) => Promise<Step>,
  ): Promise<FastifyReply> {
    const { raw } = request
    settleAddress(raw, address, (raw.url ?? '').slice(address.path.length))
    return send(reply, await step(request.params.uid, { request: raw, response: reply.raw }), address)
  }

  fastify.get<{ Params: { uid: string } }>(`${address.path}/interaction/:uid`, route, (request, reply) =>
    settled(request, reply, interactions.show),
  )
  fastify.post<{ Params: { uid: string } }>(`${address.path}/interaction/:uid`, route, (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    return settled(request, reply, (uid, exchanged) => interactions.decide(uid, form, exchanged))
  })
  fastify.get(`${address.path}/callback`, route, async (request, reply) => {
    const callback = new URL(address.callbackUrl)
    callback.search = new URL(request.raw.url ?? '', address.issuer).search
    const uid = await signIns.arrive(callback, (name) => cookieIn(request.headers.cookie, name))
    if (uid === undefined) return send(reply, { kind: 'error', model: expiredModel }, address)
    return send(reply, { kind: 'redirect', url: `${address.issuer}/interaction/${uid}` }, address)
  })
}

function send(reply: FastifyReply, step: Step, address: BrokerAddress): FastifyReply {
  reply.headers(pageHeaders)
  switch (step.kind) {
    case 'redirect':
      if (step.cookie !== undefined) {
        const path = new URL(address.callbackUrl).pathname
        reply.header(
          'set-cookie',
          cookieLine(step.cookie, { path, secure: address.isHttps, seconds: signInSeconds }),
        )
      }
      return reply.redirect(step.url, 303)
    case 'consent':
      return reply.send(consentPage(step.model))
    case 'continue':
      return reply.send(continuePage(step.model))
    case 'error':
      return reply.code(400).send(errorPage(step.model))
  }
}

/**
 * Puts a request at the address that the configuration says, whatever `Host` and `X-Forwarded-*` say: oidc-provider makes URLs
 * from them. The session cookie is left out: no authorization leans on an earlier one.
 */
function settleAddress(raw: IncomingMessage, address: BrokerAddress, url: string): void {
  const { host, protocol } = new URL(address.issuer)
  raw.url = url
  Object.assign(raw, { originalUrl: `${address.issuerPath}${url}` })
  const { headers } = raw
  headers.host = host
  headers['x-forwarded-host'] = host
  headers['x-forwarded-proto'] = protocol.slice(0, -1)
  delete headers.forwarded
  headers.cookie = withoutCookie(headers.cookie, cookieNames.session)
}

/** Whether a person's browser is at this route, rather than a client. */
function isPage({ url }: FastifyRequest, { path }: BrokerAddress): boolean {
  return ['authorize', 'interaction', 'callback'].some((name) => url.startsWith(`${path}/${name}`))
}

function authorizeUrl(request: FastifyRequest, offered: readonly string[]): string {
  const query = new URL(request.raw.url ?? '', 'http://localhost').searchParams
  // A doubled one is refused by oidc-provider, which has to see it.
  if (query.getAll('scope').length < 2) query.set('scope', completeScope(query.get('scope'), offered))
  return `/authorize?${query}`
}
