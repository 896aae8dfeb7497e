import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js'
import { classifyInboundRequest } from '@modelcontextprotocol/server'
import type { FastifyRequest } from 'fastify'

const older = new Set(SUPPORTED_PROTOCOL_VERSIONS)
const ofRequests = new Set(['jsonrpc', 'id', 'method', 'params'])

/**
 * Whether the newer SDK answers a request: one of protocol 2026-07-28, or one that is malformed. A plain request of an older
 * protocol, which the SDK's classification calls legacy in every case, is told by four members: the classification parses
 * the whole message, a fifth of our part of a denied call.
 */
export function isModern(request: FastifyRequest): boolean {
  if (isPlainOlderRequest(request)) return false
  const header = (name: string) => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const protocolVersionHeader = header('mcp-protocol-version')
  const mcpMethodHeader = header('mcp-method')
  const mcpNameHeader = header('mcp-name')
  const route = classifyInboundRequest({
    httpMethod: request.method,
    body: request.body,
    ...(protocolVersionHeader === undefined ? {} : { protocolVersionHeader }),
    ...(mcpMethodHeader === undefined ? {} : { mcpMethodHeader }),
    ...(mcpNameHeader === undefined ? {} : { mcpNameHeader }),
  })
  return route.kind !== 'legacy'
}

/** A request without the `_meta` in which the newer protocol says its version, under a header that names an older one. */
function isPlainOlderRequest({ body, headers }: FastifyRequest): boolean {
  const version = headers['mcp-protocol-version']
  if (typeof version !== 'string' || !older.has(version)) return false
  if (typeof body !== 'object' || body === null || !Object.keys(body).every((name) => ofRequests.has(name))) {
    return false
  }
  const [id, method, params] = [member(body, 'id'), member(body, 'method'), member(body, 'params')]
  return (
    member(body, 'jsonrpc') === '2.0' &&
    typeof method === 'string' &&
    (typeof id === 'string' || Number.isInteger(id)) &&
    (params === undefined || (typeof params === 'object' && params !== null && !Array.isArray(params))) &&
    member(params, '_meta') === undefined
  )
}

/** Whether a body carries a progress token. */
export function wantsProgress(body: unknown): boolean {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  return messages.some((message) => {
    const meta = member(member(message, 'params'), '_meta')
    return member(meta, 'progressToken') !== undefined
  })
}

/** The same body without progress tokens, for a client that cannot read progress. */
export function withoutProgress(body: unknown): unknown {
  if (!wantsProgress(body)) return body
  if (Array.isArray(body)) return body.map(withoutProgress)
  const params = member(body, 'params')
  const { progressToken: _, ...meta } = recordOf(member(params, '_meta'))
  return { ...recordOf(body), params: { ...recordOf(params), _meta: meta } }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
