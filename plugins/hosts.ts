import { validateHostHeader } from '@modelcontextprotocol/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Options } from '../src/config/options.ts'
import { isLoopback } from '../src/loopback.ts'
import { sendRefusal } from './errors.ts'
import { hasSeveral } from './header-lines.ts'
import { protocolRefusal } from './refusal.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/** A name or address with or without a port (RFC 9110 §7.2): what a URL parser would pass over is no part of it. */
const hostGrammar = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

const exposed = 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version'
const preflight = {
  'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name',
  'access-control-max-age': '600',
}

/**
 * Guards against DNS rebinding: the `Host` has to be one of ours, and an `Origin`, where a browser sends one, too. Origins of
 * the configuration get CORS headers. Preflights end here, without a token.
 */
export function createHostGuard(options: Pick<Options, 'publicUrl' | 'allowedHosts' | 'allowedOrigins'>) {
  const publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl)
  const hosts = [...loopbackNames, ...options.allowedHosts.map((host) => host.toLowerCase())]
  if (publicUrl !== undefined) hosts.push(publicUrl.hostname)
  const browsers = new Set(options.allowedOrigins.map(normalised))
  const local = publicUrl === undefined || isLoopback(publicUrl.hostname)
  const ours = new LRUCache<string, true>({ max: 100 })

  function isOurs(host: string | undefined): boolean {
    if (host !== undefined && ours.has(host)) return true
    if (host !== undefined && !hostGrammar.test(host)) return false
    if (!validateHostHeader(host?.toLowerCase(), hosts).ok) return false
    if (host !== undefined) ours.set(host, true)
    return true
  }

  function mayCall(origin: string): boolean {
    if (browsers.has(origin) || origin === publicUrl?.origin) return true
    if (!local || !URL.canParse(origin)) return false
    const url = new URL(origin)
    return url.origin === origin.toLowerCase() && isLoopback(url.hostname)
  }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (!hostsOf(request).every(isOurs) || hasSeveral(request.raw.rawHeaders, 'host')) {
      return sendRefusal(reply, protocolRefusal(403, 'The Host header names another server'))
    }
    const { origin } = request.headers
    if (origin !== undefined && !mayCall(origin)) {
      return sendRefusal(reply, protocolRefusal(403, 'The Origin is not allowed'))
    }
    if (browsers.size > 0) reply.header('vary', 'Origin')
    const cors = origin !== undefined && browsers.has(origin)
    if (cors) {
      reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed })
    }
    if (request.method !== 'OPTIONS') return undefined
    return reply
      .code(204)
      .headers(cors ? preflight : {})
      .send()
  }
}

/** What a request says whom it is for: over HTTP/2 `:authority` (RFC 9113 §8.3.1), and `Host` where a client sends it too. */
function hostsOf({ headers }: FastifyRequest): (string | undefined)[] {
  const authority = headers[':authority']
  if (typeof authority !== 'string') return [headers.host]
  return headers.host === undefined ? [authority] : [authority, headers.host]
}

function normalised(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).origin : origin
}
