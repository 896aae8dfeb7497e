import type { Writable } from 'node:stream'
import { fhirMcpError } from '../errors.ts'
import { withoutSecrets } from '../telemetry/redaction.ts'

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof levels)[number]

/** The level that FHIR_MCP_LOG_LEVEL names; `info` where it is not set. Throws CONFIG. */
export function logLevelOf(text: string | undefined): LogLevel {
  const level = text === undefined ? 'info' : levels.find((one) => one === text)
  if (level !== undefined) return level
  throw fhirMcpError('CONFIG', { detail: `FHIR_MCP_LOG_LEVEL must be one of ${levels.join(', ')}.` })
}

/** Writes one JSON line to the log. */
export type Log = (level: LogLevel, message: string, members?: Readonly<Record<string, unknown>>) => void

/** A log of JSON lines for stdio, where stdout belongs to the protocol. */
export function createLog(stream: Writable, least: LogLevel): Log {
  return (level, message, members = {}) => {
    if (levels.indexOf(level) > levels.indexOf(least) || least === 'silent') return
    const line = JSON.stringify({ level, time: new Date().toISOString(), msg: message, ...members })
    stream.write(`${withoutSecrets(line)}\n`)
  }
}
