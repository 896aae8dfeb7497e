import type { AuthOptions } from '../config/auth.ts'

/** Path of the stream of HTTP+SSE: `/sse` beside a path that ends in `/mcp`, below any other. */
export function ssePathBeside(path: string): string {
  return `${path.endsWith('/mcp') ? path.slice(0, -'/mcp'.length) : path}/sse`
}

/** The stream's URL beside an MCP endpoint's, with which clients of HTTP+SSE ask for tokens (RFC 8707). */
export function sseResourceBeside(resource: string): string {
  const url = new URL(resource)
  url.pathname = ssePathBeside(url.pathname)
  return url.href
}

/**
 * The options under which tokens are judged at the stream: an audience that is the MCP endpoint's URL may be the stream's in its
 * place, for each issuer. Undefined where none is: an issuer that passes over `resource` writes the same audience for both.
 */
export function authOverSse(auth: AuthOptions, path: string): AuthOptions | undefined {
  const streamsOf = (audience: AuthOptions['audience']) =>
    [audience ?? []]
      .flat()
      .filter((one) => URL.canParse(one) && new URL(one).pathname.endsWith(path))
      .map(sseResourceBeside)
  const all = [auth, ...auth.issuers].flatMap(({ audience }) => streamsOf(audience))
  if (all.length === 0) return undefined
  const withStreams = <T extends Pick<AuthOptions, 'audience'>>(own: T): T =>
    own.audience === undefined
      ? own
      : { ...own, audience: [...[own.audience].flat(), ...streamsOf(own.audience)] }
  return { ...withStreams(auth), issuers: auth.issuers.map(withStreams) }
}
