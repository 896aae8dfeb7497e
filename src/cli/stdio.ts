import { once } from 'node:events'
import { Writable } from 'node:stream'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { createAudit } from '../audit/create-audit.ts'
import { sourceOf } from '../audit/fhir/source.ts'
import type { Audit, CallLine } from '../audit/record.ts'
import type { Configuration, Environment } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import { createCallCount } from '../limits/count-calls.ts'
import { limitService } from '../limits/limit-service.ts'
import { createTurns } from '../limits/turns.ts'
import { createStdioService, startNotes } from '../mcp/create-mcp-service.ts'
import { exactNumbers } from '../mcp/exact-numbers.ts'
import { describeFault } from '../mcp/fault.ts'
import { createHandlers, type Handlers } from '../mcp/handlers.ts'
import { listTool } from '../mcp/listing.ts'
import type { Registry } from '../mcp/registry.ts'
import { assertRolesNameTools } from '../mcp/role-tools.ts'
import { createServerV2 } from '../mcp/server-v2.ts'
import type { StdioBearer } from '../mcp/stdio-bearer.ts'
import { tracedService } from '../telemetry/traced-service.ts'
import { tokenRefusedText } from '../token-refusal.ts'
import { createLog, type Log, logLevelOf } from './log.ts'
import type { OpenBrowser, StdioStreams } from './surroundings.ts'
import { type TokenSource, tokenSource } from './token-source.ts'
import { tolerantLines } from './tolerant-lines.ts'

/** A connection over stdio. */
export interface StdioConnection {
  /** Resolves when the client has closed its end, or after `close`. */
  readonly ended: Promise<void>
  /** Lets the calls under way end, then closes. */
  close(): Promise<void>
}

/**
 * MCP over stdio for one user, in both protocol eras. Whose the tokens are is looked at before each request, so an expired
 * token is TOKEN_EXPIRED at once, and one that a sign-in left is renewed. Without tokens the first call has the person sign
 * in. Nothing but the protocol is written to stdout. Throws CONFIG without a token and without a client to sign in with.
 */
export function serveOverStdio(
  configuration: Configuration,
  streams: StdioStreams,
  environment: Environment,
  openBrowser: OpenBrowser,
): StdioConnection {
  const { command } = configuration
  const log = createLog(streams.stderr, logLevelOf(command.FHIR_MCP_LOG_LEVEL))
  const ending = new AbortController()
  const tell = (line: string) => void streams.stderr.write(`${line}\n`)
  const source = tokenSource(configuration, { environment, openBrowser, tell, signal: ending.signal })
  for (const note of startNotes(source.options)) log('warn', note)
  const service = createStdioService(source.options, source.tokens, {
    now: () => Date.now(),
    audit: auditOf(source.options, log),
    environment,
    tokenRefused: (refusal) => log('warn', tokenRefusedText, { ...refusal }),
  })
  service.registry.seal()
  assertRolesNameTools(source.options.access.roles, service.registry)
  const { callsAtOnce, callsWaiting, patience, callsPerPrincipal } = source.options.limits
  const turns = createTurns({ atOnce: callsAtOnce, waiting: callsWaiting, patience })
  const handlers = createHandlers(tracedService(limitService(service, turns)), (thrown) =>
    log('error', 'call failed', { fault: describeFault(thrown) }),
  )
  const underWay = new Set<Promise<unknown>>()
  const served = tracked(unasked(handlers, service.registry, source.kept), underWay)
  const countCall = createCallCount(callsPerPrincipal, () => Date.now())
  const record = (line: CallLine) => log('info', 'mcp call', line)
  const bearer: StdioBearer = async (signal) => {
    const asker = await service.bearer(signal).catch(async (thrown: unknown) => {
      if (isFhirMcpError(thrown)) {
        if (thrown.at !== undefined) {
          log('warn', 'a claim of the token cannot be read: `at` is its first wrong element', {
            code: thrown.code,
            at: thrown.at,
          })
        }
        await service.keepRefusedBearer({ name: 'stdio', record }, thrown)
      }
      throw thrown
    })
    return { ...asker, record, admit: async () => countCall(asker.principal) }
  }
  const { lines, release } = tolerantLines(streams.stdin)
  const server = serveStdio(() => createServerV2(served, bearer), {
    transport: new StdioServerTransport(lines, exactly(streams.stdout)),
  })
  const closing = new AbortController()
  const { signal } = closing
  const gone = Promise.race([
    once(streams.stdin, 'end', { signal }),
    once(streams.stdin, 'close', { signal }),
  ])
  const end = () => {
    ending.abort()
    return service.close()
  }
  return {
    ended: gone.then(end, end),
    async close() {
      // Nobody waits for a browser any more; every other call may end.
      ending.abort()
      await Promise.allSettled(underWay)
      await server.close()
      release()
      closing.abort()
    },
  }
}

/** A stream that passes messages on with numbers in the digits that are kept of them. The SDK writes a whole message at once. */
function exactly(stdout: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(message: string | Buffer, _, done) {
      stdout.write(exactNumbers(String(message)), done)
    },
  })
}

/**
 * The same handlers, where a client that only looks around (it lists the tools when it starts) does not have the person sign
 * in: it is shown all tools and no completions. `kept` gives the tokens that can be had without.
 */
function unasked(handlers: Handlers, { tools }: Registry, kept: TokenSource['kept']): Handlers {
  return {
    ...handlers,
    async listTools(context) {
      const signedIn = (await kept(context.signal)) !== undefined
      return signedIn ? handlers.listTools(context) : { tools: [...tools.values()].map(listTool) }
    },
    async complete(params, context) {
      const signedIn = (await kept(context.signal)) !== undefined
      return signedIn
        ? handlers.complete(params, context)
        : { completion: { values: [], total: 0, hasMore: false } }
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

/** The audit that the options choose. Throws CONFIG, also where it would write into the protocol. */
function auditOf(options: Options, log: Log): Audit {
  if (options.audit.descriptor === 1) {
    throw fhirMcpError('CONFIG', { detail: 'audit.descriptor must not be 1 over stdio: it is the protocol.' })
  }
  return createAudit(options.audit, { log, now: () => Date.now(), source: sourceOf(options) })
}
