import Fastify from 'fastify'
import fhirMcp from '../../plugins/index.ts'
import { signIn } from '../../src/demo/sign-in.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { startDemo } from '../demo/running-demo.ts'
import { startFront } from './front.ts'
import { addSuitePrompts, addSuiteResources } from './suite-resources.ts'
import { addSuiteTools } from './suite-tools.ts'

/** A server that runs. */
export interface Running {
  /** Its MCP endpoint for a client that sends no token. */
  readonly url: string
  close(): Promise<void>
}

const audience = 'https://mcp.test/mcp'

/** The plugin, as anybody registers it, with the suite's tools, resources and prompts added through its public API. */
export async function startSuiteServer(): Promise<Running> {
  const issuer = await startIssuer()
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  const app = Fastify()
  await app.register(fhirMcp, {
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url, audience },
  })
  addSuiteTools(app.fhirMcp)
  addSuiteResources(app.fhirMcp)
  addSuitePrompts(app.fhirMcp)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const claims = { sub: 'suite', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
  const front = await startFront(origin, () => issuer.token(claims))
  return {
    url: `${front.origin}/mcp`,
    async close() {
      await front.close()
      await app.close()
      await issuer.close()
      await exchange.close()
    },
  }
}

/** The demo's gateway with its issuer and exchange, and the token of somebody who signed in there. */
export interface RunningRealServer extends Running {
  /** The endpoint itself, for a client that sends a token. */
  readonly protectedUrl: string
  readonly token: string
}

/** The product without anything added, as `npm run demo` runs it. */
export async function startRealServer(): Promise<RunningRealServer> {
  const demo = await startDemo()
  const token = await signIn(demo.issuerUrl, demo.mcpUrl, 'Maya')
  const front = await startFront(new URL(demo.mcpUrl).origin, async () => token)
  return {
    url: `${front.origin}/mcp`,
    protectedUrl: demo.mcpUrl,
    token,
    async close() {
      await front.close()
      await demo.close()
    },
  }
}
