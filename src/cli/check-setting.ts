import type { CheckSetting } from '../check/setting.ts'
import { commandOf, type Environment, valuesOf } from '../config/env.ts'
import { audienceOf } from '../mcp/audience.ts'
import { logLevelOf } from './log.ts'
import { loginParts } from './login-parts.ts'
import { portOf } from './port.ts'
import { serveOptions } from './serve-options.ts'

/** The longest that a check waits for one answer of the exchange, in milliseconds. */
const longestWait = 10_000

/** Reads the configuration as `serve` and `stdio` do. Throws CONFIG. */
export function checkSetting(environment: Environment): CheckSetting {
  const values = valuesOf(environment)
  const command = commandOf(values)
  logLevelOf(command.FHIR_MCP_LOG_LEVEL)
  const { FHIR_MCP_HOST: host = '127.0.0.1', FHIR_MCP_PORT: port = '8765' } = command
  const { options, broker } = serveOptions(values, { host, port: portOf(port) })
  const parts = loginParts({ options, command }, environment)
  const { fhir, auth, ...others } = parts?.options ?? options
  return {
    options: {
      ...others,
      fhir: { ...fhir, timeout: Math.min(fhir.timeout, longestWait) },
      auth: { ...auth, ...audienceOf(options) },
    },
    broker,
    command,
    login: parts === undefined ? undefined : { settings: parts.settings, file: parts.file },
  }
}
