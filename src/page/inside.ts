import type { FastifyInstance } from 'fastify'
import type { CustomFetch } from 'openid-client'
import type { PageAddress } from './address.ts'

/** Whose request it is that makes others. */
export interface Visitor {
  /** Address of the person, under which the requests are counted. */
  readonly ip: string
}

/** A request to this server by its public address. */
export interface InsideRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * Asks this server itself: the same routes, limits and records as from outside, without the network. Its public address often
 * cannot be reached from behind its own proxy. Throws a TypeError for any other address.
 */
export async function askInside(
  app: FastifyInstance,
  { base }: PageAddress,
  { ip }: Visitor,
  url: string,
  { method, headers, body }: InsideRequest,
): Promise<Response> {
  if (!url.startsWith(`${base}/`)) throw new TypeError('an address of another server')
  const answer = await app.inject({
    method,
    url: url.slice(base.length),
    headers: { ...headers, host: new URL(base).host },
    remoteAddress: ip,
    ...(body === undefined ? {} : { payload: body }),
  })
  const type = answer.headers['content-type']
  return new Response(answer.rawPayload.length === 0 ? null : new Uint8Array(answer.rawPayload), {
    status: answer.statusCode,
    headers: typeof type === 'string' ? { 'content-type': type } : {},
  })
}

/** The same as openid-client asks. */
export function fetchInside(app: FastifyInstance, address: PageAddress, visitor: Visitor): CustomFetch {
  return (url, { method, headers, body }) =>
    askInside(app, address, visitor, url, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      ...(body === undefined || body === null ? {} : { body: String(body) }),
    })
}
