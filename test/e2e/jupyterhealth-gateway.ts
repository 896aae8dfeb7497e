import { type JupyterHealthCohort, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

/** A gateway before a JupyterHealth Exchange: opaque tokens, and permissions derived from the exchange itself. */
export interface JupyterHealthSite {
  readonly exchange: TestExchange<JupyterHealthCohort>
  readonly gateway: Gateway
  /** A client that is signed in as a user of the exchange, by name. */
  as(name: string): Promise<TestClient>
  close(): Promise<void>
}

type Types = Parameters<typeof startGateway>[0]['fhir']['types']

/** Opens one. `types` are those that `fhir.types` allows. */
export async function openJupyterHealth(
  options: { types?: Types; access?: Parameters<typeof startGateway>[0]['access'] } = {},
): Promise<JupyterHealthSite> {
  const exchange = await startExchange({ dialect: 'jupyterhealth' })
  const gateway = await startGateway(
    {
      fhir: {
        baseUrl: exchange.url,
        credentials: 'forward',
        audience: 'https://exchange.test',
        ...(options.types === undefined ? {} : { types: options.types }),
      },
      auth: {
        issuer: `${exchange.origin}/o`,
        audience: 'https://mcp.test/mcp',
        sources: ['exchange'],
        userinfoUrl: `${exchange.origin}/o/userinfo/`,
        allowTokensWithoutAudience: true,
      },
      ...(options.access === undefined ? {} : { access: options.access }),
    },
    undefined,
    'R5',
  )
  return {
    exchange,
    gateway,
    as(name) {
      const token = exchange.cohort.users.find((user) => user.name === name)?.token
      if (token === undefined) throw new Error(`nobody is called ${name}`)
      return gateway.connect('http', token)
    },
    async close() {
      await gateway.close()
      await exchange.close()
    },
  }
}
