import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { hidden } from '../../plugins/hidden.ts'
import { keepQueriesFromLog } from '../../plugins/query-free-log.ts'
import { isFhirMcpError } from '../errors.ts'
import { describeFault } from '../mcp/fault.ts'
import { pageHeadersOf } from '../pages/headers.ts'
import { isSame } from '../pages/same.ts'
import { type PageAddress, pagePaths } from './address.ts'
import type { PageCookies } from './cookies.ts'
import { copyScript } from './copy-script.ts'
import { readReach } from './reach.ts'
import type { ReachModel } from './reach-section.ts'
import type { SignIn } from './sign-in.ts'
import { type StartModel, startPage, type TroubleModel, troublePage } from './start-page.ts'
import { style } from './style.ts'

/** What the routes are made of. */
export interface PageRoutes {
  readonly app: FastifyInstance
  /** What depends on the address; known once the server listens. */
  readonly site: () => PageSite
}

export interface PageSite {
  readonly address: PageAddress
  readonly cookies: PageCookies
  readonly signIn: SignIn | undefined
  readonly head: Omit<StartModel, 'reach'>
}

const headers = pageHeadersOf({ style, scripts: true })
const route = { schema: hidden, exposeHeadRoute: false }

/** Sign-ins that came back and may not do so again: far more than come back in the 15 minutes that one lasts. */
const mostUsed = 100_000

/** The routes of the start page. */
export async function pageRoutes(fastify: FastifyInstance, { app, site }: PageRoutes): Promise<void> {
  keepQueriesFromLog(fastify)
  const used = new LRUCache<string, true>({ max: mostUsed })
  fastify.removeAllContentTypeParsers()
  // The one form has no fields.
  fastify.addContentTypeParser('*', { parseAs: 'string', bodyLimit: 1024 }, (_, __, done) => done(null))

  fastify.setErrorHandler((thrown, request, reply) => {
    if (isFhirMcpError(thrown)) request.log.warn({ code: thrown.code }, 'page failed')
    else request.log.error({ fault: describeFault(thrown) }, 'page failed')
    const status = isFhirMcpError(thrown) ? thrown.statusCode : statusOf(thrown)
    if (isFhirMcpError(thrown) && thrown.retryAfter !== undefined)
      reply.header('retry-after', thrown.retryAfter)
    return trouble(reply, status, troubleOf(thrown))
  })

  const trouble = (reply: FastifyReply, status: number, model: TroubleModel) =>
    reply.code(status).headers(headers).send(troublePage(model, site().address))
  const back = (reply: FastifyReply) =>
    reply.headers(headers).redirect(`${site().address.base}${pagePaths.start}`, 303)

  fastify.get(pagePaths.start, { schema: hidden }, async (request, reply) => {
    const { cookies, signIn, head } = site()
    const reach = await cookies.reachIn(request.headers.cookie)
    return reply.headers(headers).send(startPage({ ...head, reach: modelOf(reach, signIn) }))
  })

  fastify.get(pagePaths.script, route, async (_, reply) =>
    reply
      .headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' })
      .type('text/javascript; charset=utf-8')
      .send(copyScript),
  )

  fastify.post(pagePaths.forget, route, async (_, reply) => {
    reply.header('set-cookie', site().cookies.forgetReach)
    return back(reply)
  })

  fastify.get(pagePaths.signIn, route, async (request, reply) => {
    const { cookies, signIn } = site()
    if (signIn === undefined) return reply.callNotFound()
    const { url, challenge } = await signIn.begin(request)
    reply.header('set-cookie', await cookies.keepChallenge(challenge))
    return reply.headers(headers).redirect(url.href, 303)
  })

  fastify.get(pagePaths.callback, route, async (request, reply) => {
    const { address, cookies, signIn } = site()
    if (signIn === undefined) return reply.callNotFound()
    const challenge = await cookies.challengeIn(request.headers.cookie)
    const callback = callbackOf(request, address)
    if (challenge === undefined || !isSame(callback.searchParams.get('state') ?? '', challenge.state)) {
      return trouble(reply, 400, expired)
    }
    // A browser is asked to forget it; whoever has copied it does not.
    if (used.has(challenge.state)) return trouble(reply, 400, expired)
    used.set(challenge.state, true)
    reply.header('set-cookie', cookies.forgetChallenge)
    const reach = await signIn.finish(request, callback, challenge, (token) =>
      readReach(app, address, request, token),
    )
    if (reach === 'denied') return trouble(reply, 200, denied)
    reply.header('set-cookie', await cookies.keepReach(reach))
    return back(reply)
  })
}

function modelOf(reach: Awaited<ReturnType<PageCookies['reachIn']>>, signIn: SignIn | undefined): ReachModel {
  if (signIn === undefined) return { kind: 'ask' }
  return reach === undefined ? { kind: 'sign-in' } : { kind: 'read', reach }
}

function callbackOf(request: FastifyRequest, { callbackUrl }: PageAddress): URL {
  const callback = new URL(callbackUrl)
  callback.search = new URL(request.raw.url ?? '', callbackUrl).search
  return callback
}

const notSignedIn = 'You are not signed in'
const expired: TroubleModel = {
  title: notSignedIn,
  message: 'This sign-in has expired, was used already, or was begun in another browser.',
  cure: 'Start again at the start page.',
  code: undefined,
}
const denied: TroubleModel = {
  title: notSignedIn,
  message: 'The sign-in was denied.',
  cure: undefined,
  code: undefined,
}

/** Texts of the error catalog alone. */
function troubleOf(thrown: unknown): TroubleModel {
  if (!isFhirMcpError(thrown)) {
    return { title: 'This did not work', message: 'The server failed.', cure: undefined, code: undefined }
  }
  const { code, entry } = thrown
  return { title: 'This did not work', message: entry.message, cure: entry.cure, code }
}

/** The 4xx status of Fastify's own refusals; 500 for anything else. */
function statusOf(thrown: unknown): number {
  const status = typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown && thrown.statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}
