import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import type { CallRecord } from '../audit/record.ts'
import type { Configuration } from '../config-env.ts'
import { fhirMcpError } from '../errors.ts'
import type { Bearer } from '../mcp/bearers.ts'
import { createStdioService, startNotes } from '../mcp/create-mcp-service.ts'
import { describeFault } from '../mcp/fault.ts'
import { createHandlers, type Handlers } from '../mcp/handlers.ts'
import { createServerV2 } from '../mcp/server-v2.ts'
import { createLog, type Log, logLevelOf } from './log.ts'

/** The streams of the process. */
export interface StdioStreams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
}

/** A connection over stdio. */
export interface StdioConnection {
  /** Resolves when the client has closed its end, or after `close`. */
  readonly ended: Promise<void>
  /** Lets the calls under way end, then closes. */
  close(): Promise<void>
}

/**
 * MCP over stdio for one user, in both protocol eras. Who the tokens belong to is looked at before each request, so an
 * expired token is TOKEN_EXPIRED at once. Nothing but the protocol is written to stdout. Throws CONFIG without a token.
 */
export function serveOverStdio(
  { options, command }: Configuration,
  streams: StdioStreams,
  environment: Readonly<Record<string, string | undefined>>,
): StdioConnection {
  const { FHIR_MCP_ACCESS_TOKEN: accessToken, FHIR_MCP_ID_TOKEN: idToken } = command
  if (accessToken === undefined) {
    throw fhirMcpError('CONFIG', {
      detail: 'FHIR_MCP_ACCESS_TOKEN (or FHIR_MCP_ACCESS_TOKEN_FILE) is required.',
    })
  }
  const log = createLog(streams.stderr, logLevelOf(command.FHIR_MCP_LOG_LEVEL))
  for (const note of startNotes(options)) log('warn', note)
  const service = createStdioService(
    options,
    { accessToken, idToken },
    { now: () => Date.now(), audit: (call) => logCall(log, call), environment },
  )
  service.registry.seal()
  const handlers = createHandlers(service, (thrown) =>
    log('error', 'call failed', { fault: describeFault(thrown) }),
  )
  const underWay = new Set<Promise<unknown>>()
  const bearer = async (signal: AbortSignal): Promise<Bearer> => ({
    principal: await service.identify(accessToken, signal),
    token: accessToken,
  })
  const server = serveStdio(() => createServerV2(tracked(handlers, underWay), bearer), {
    transport: new StdioServerTransport(streams.stdin, streams.stdout),
  })
  const closing = new AbortController()
  const { signal } = closing
  const gone = Promise.race([
    once(streams.stdin, 'end', { signal }),
    once(streams.stdin, 'close', { signal }),
  ])
  return {
    ended: gone.then(
      () => service.close(),
      () => service.close(),
    ),
    async close() {
      await Promise.allSettled(underWay)
      await server.close()
      closing.abort()
    },
  }
}

/** The same handlers; calls under way are in `underWay` until their answer is on its way. */
function tracked(handlers: Handlers, underWay: Set<Promise<unknown>>): Handlers {
  const track = <T>(call: Promise<T>): Promise<T> => {
    const answered = call.then(
      () => new Promise(setImmediate),
      () => new Promise(setImmediate),
    )
    underWay.add(answered)
    void answered.then(() => underWay.delete(answered))
    return call
  }
  return {
    ...handlers,
    callTool: (params, context) => track(handlers.callTool(params, context)),
    readResource: (params, context) => track(handlers.readResource(params, context)),
  }
}

function logCall(log: Log, { kind, name, outcome, code, duration, requests }: CallRecord): void {
  log('info', 'mcp call', { [kind]: name, outcome, code, duration, requests })
}
