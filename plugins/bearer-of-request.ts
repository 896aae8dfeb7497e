import type { FastifyRequest } from 'fastify'
import type { Bearer } from '../src/mcp/bearers.ts'

const bearers = new WeakMap<FastifyRequest, Bearer>()

/** Keeps the verified bearer of a request, for as long as the request. */
export function keepBearer(request: FastifyRequest, bearer: Bearer): void {
  bearers.set(request, bearer)
}

/** The verified bearer of a request. Throws a TypeError where the check did not run. */
export function bearerOfRequest(request: FastifyRequest): Bearer {
  const bearer = bearers.get(request)
  if (bearer === undefined) throw new TypeError('A request reached a route without a verified bearer')
  return bearer
}
