import type { FastifyInstance } from 'fastify'

/**
 * The path of a route, and the same with a slash behind: clients add it, and a redirect would lose their POST. Without it where
 * the router treats both alike, or where the gateway has a route of its own there.
 */
export function slashedToo(
  fastify: FastifyInstance,
  method: 'GET' | 'OPTIONS' | 'POST',
  path: string,
): string[] {
  const { routerOptions, ignoreTrailingSlash } = fastify.initialConfig
  const slashed = `${path}/`
  const taken = fastify.hasRoute({ method, url: `${fastify.prefix}${slashed}` })
  return ignoreTrailingSlash === true || routerOptions?.ignoreTrailingSlash === true || taken
    ? [path]
    : [path, slashed]
}
