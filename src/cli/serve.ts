import { isIP } from 'node:net'
import type { Writable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { fhirMcp } from '../../plugins/index.ts'
import { commandOf, type Environment, optionName, valuesOf } from '../config/env.ts'
import { fhirMcpError } from '../errors.ts'
import { callingByVariables } from './calling-by-variables.ts'
import { drainOnClose } from './drain.ts'
import { listenAt } from './listening.ts'
import { logLevelOf } from './log.ts'
import { portOf } from './port.ts'
import { registerBroker } from './register-broker.ts'
import { serveOptions } from './serve-options.ts'
import { serverLog } from './server-log.ts'

/** Where to listen, as arguments of the command say; the environment comes second. */
export interface ServeArguments {
  readonly host?: string | undefined
  readonly port?: string | undefined
}

const defaults = { host: '127.0.0.1', port: '8765' }

/**
 * Starts the HTTP server, with the broker and the start page where the environment has them, and resolves once it listens.
 * Closing it lets requests in flight end, and closes the streams and the broker's storage. Throws CONFIG for a wrong setting, and what
 * listening throws; nothing is left open then.
 */
export async function serve(
  environment: Environment,
  given: ServeArguments,
  stderr: Writable,
): Promise<FastifyInstance> {
  const values = valuesOf(environment)
  const command = commandOf(values)
  const host = given.host ?? command.FHIR_MCP_HOST ?? defaults.host
  const port = portOf(given.port ?? command.FHIR_MCP_PORT ?? defaults.port)
  const { options, broker, page } = serveOptions(values, { host, port })
  const app = Fastify({
    logger: serverLog(logLevelOf(command.FHIR_MCP_LOG_LEVEL), stderr),
    trustProxy: trustProxyOf(command.FHIR_MCP_TRUST_PROXY),
    // Fastify's own is none: whoever sends a body byte by byte would keep a connection for good.
    requestTimeout: 30_000,
    return503OnClosing: false,
  })
  drainOnClose(app)
  // Fastify's own writes the URL into the log.
  app.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ statusCode: 404, error: 'Not Found', message: 'Not found' }),
  )
  try {
    if (broker !== undefined) await registerBroker(app, broker, page !== undefined)
    await callingByVariables(optionName, async () => app.register(fhirMcp, options))
    if (page !== undefined) {
      const { registerPage } = await import('../page/plugin.ts')
      await registerPage(app, { now: () => Date.now(), settings: page, options })
    }
    await listenAt(app, { host, port })
    return app
  } catch (thrown) {
    await app.close()
    throw thrown
  }
}

/**
 * Whose X-Forwarded-For is believed, as Fastify wants it. Without any, all requests that come by a proxy are of one address, and
 * share its limit. Throws CONFIG.
 */
function trustProxyOf(text: string | undefined): NonNullable<FastifyServerOptions['trustProxy']> {
  if (text === undefined) return false
  if (/^\d{1,2}$/.test(text)) return (_, hop) => hop < Number(text)
  const proxies = text.split(',').map((proxy) => proxy.trim())
  const isProxy = (proxy: string) => {
    const [address = '', bits = '1', ...more] = proxy.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    return isIP(address) !== 0 && more.length === 0 && /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most
  }
  if (proxies.every(isProxy)) return proxies
  throw fhirMcpError('CONFIG', {
    detail: 'FHIR_MCP_TRUST_PROXY must be addresses or networks with commas between, or a number of hops.',
  })
}
