import type { Writable } from 'node:stream'
import type { FastifyRequest, FastifyServerOptions } from 'fastify'
import { FhirMcpError } from '../errors.ts'
import { describeFault } from '../mcp/fault.ts'
import { redacted, withoutSecrets } from '../telemetry/redaction.ts'
import type { LogLevel } from './log.ts'

/** Members that may hold anything that a caller or the exchange said, wherever in a logged object they are. */
const anybodys = ['headers', 'rawHeaders', 'body', 'query', 'params', 'url', 'href', 'search']

type ServerLog = Exclude<NonNullable<FastifyServerOptions['logger']>, boolean>

/**
 * The log of the server, for pino: JSON lines on a stream. A request is its method and the pattern of its route, never its URL; an
 * error is its kind, its code and where it happened, never its message, unless it is one of ours. What is left is redacted by
 * name and by form before it is written, whatever logger it came by.
 */
export function serverLog(level: LogLevel, stream: Writable): ServerLog {
  return {
    level,
    stream,
    serializers: { req: requestOf, res: replyOf, err: errorOf, error: errorOf },
    redact: {
      paths: anybodys.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]),
      censor: redacted,
    },
    hooks: {
      logMethod(given, write) {
        write.apply(this, withoutMessages(given))
      },
      streamWrite: withoutSecrets,
    },
  }
}

function requestOf(request: FastifyRequest) {
  const { method, routeOptions, ip, socket } = request
  const { remotePort } = socket ?? {}
  const route = routeOptions?.url ?? 'none'
  return { method, route, remoteAddress: ip, ...(remotePort === undefined ? {} : { remotePort }) }
}

function replyOf({ statusCode }: { readonly statusCode: number }) {
  return { statusCode }
}

function errorOf(thrown: unknown) {
  const { name, at } = describeFault(thrown)
  const message = thrown instanceof FhirMcpError ? thrown.message : redacted
  return { type: name, message, ...codesOf(thrown), stack: at.join('\n') }
}

/** Codes are words of a program: `FST_ERR_…`, `ECONNRESET`. */
function codesOf(thrown: unknown): { code?: string; statusCode?: number } {
  if (typeof thrown !== 'object' || thrown === null) return {}
  const code =
    'code' in thrown && typeof thrown.code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(thrown.code)
  const status = 'statusCode' in thrown && typeof thrown.statusCode === 'number'
  return {
    ...(code ? { code: String(thrown.code) } : {}),
    ...(status ? { statusCode: Number(thrown.statusCode) } : {}),
  }
}

type Given = Parameters<NonNullable<NonNullable<ServerLog['hooks']>['logMethod']>>[0]

/** pino and Fastify say the message of an error again as that of the line, and errors by other names than `err` as they are. */
function withoutMessages(given: Given): Given {
  const [first, said] = given
  if (typeof first !== 'object' || first === null) return given
  const members: object = first instanceof Error ? { err: first } : first
  const errors = Object.entries(members).filter(isError)
  const [[, shown] = []] = errors
  if (shown === undefined) return given
  const message = said ?? shown.message
  const isForeign = errors.some(([, error]) => !(error instanceof FhirMcpError) && error.message === message)
  const others = errors.filter(([name]) => name !== 'err').map(([name, error]) => [name, errorOf(error)])
  return [{ ...members, ...Object.fromEntries(others) }, isForeign ? 'failed' : message]
}

function isError(entry: [string, unknown]): entry is [string, Error] {
  return entry[1] instanceof Error
}
