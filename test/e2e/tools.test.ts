import nock from 'nock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExchange, startIssuer, type TestExchange, type TestIssuer } from '../../src/test-kit/index.ts'
import { casts } from './casts.ts'
import { connect, connections, type TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { type Behind, type Replay, replay } from './replay.ts'
import { type Cast, scenariosOf } from './scenarios.ts'
import { validClient } from './valid-client.ts'

const audience = 'https://mcp.test/mcp'
const exchangeAudience = 'https://exchange.test'
/** JupyterHealth has participant codes where a system is configured. */
const participantCodeSystem = 'https://northlake.example/mrn'

describe.each(casts)('the tools on $server', (cast) => {
  let issuer: TestIssuer
  let exchange: Replay
  let gateway: Gateway
  let standIn: TestExchange<unknown> | undefined

  beforeAll(async () => {
    nock.disableNetConnect()
    nock.enableNetConnect('127.0.0.1')
    issuer = await startIssuer()
    const jupyterhealth = cast.server === 'jupyterhealth-r5'
    standIn = jupyterhealth
      ? await startExchange({ dialect: 'jupyterhealth', authorize: () => 'northlake_member' })
      : undefined
    exchange = replay(cast.server, jupyterhealth ? '/FHIR/R5' : '/fhir', behindOf(cast, standIn))
    gateway = await startGateway(
      {
        fhir: {
          baseUrl: exchange.baseUrl,
          credentials: jupyterhealth ? 'forward' : 'none',
          audience: exchangeAudience,
        },
        auth: { issuer: issuer.url, audience },
        access: { participantCodeSystem },
      },
      undefined,
      cast.fhirVersion,
    )
  })

  const environmentOf = ({ server }: Cast) => ({
    FHIR_MCP_FHIR_BASE_URL: exchange.baseUrl,
    FHIR_MCP_FHIR_CREDENTIALS: server === 'jupyterhealth-r5' ? 'forward' : 'none',
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    FHIR_MCP_ACCESS_PARTICIPANT_CODE_SYSTEM: participantCodeSystem,
  })

  afterAll(async () => {
    await gateway.close()
    await issuer.close()
    await standIn?.close()
    exchange.close()
    nock.enableNetConnect()
  })

  describe.each(connections)('by $name', (connection) => {
    let client: TestClient
    beforeAll(async () => {
      const claims = {
        sub: `researcher, ${connection.name}`,
        aud: [audience, exchangeAudience],
        jhe_permissions: cast.permissions,
      }
      const token = await issuer.token(claims)
      const reachable = { origin: gateway.origin, environment: environmentOf(cast) }
      client = validClient(await connect(connection, reachable, () => token), cast.fhirVersion)
      return () => client.close()
    })

    it.each(scenariosOf(cast))('$tool $title', async ({ tool, arguments: given, check }) => {
      exchange.situation = tool.replaceAll('_', '-').replace(/^get-/, '')
      const called = await client.call(tool, given)
      expect(exchange.unknown).toEqual([])
      expect(called.isError, called.text).toBe(false)
      check(called)
    })

    it('lists every tool that a scenario calls', async () => {
      const listed = (await client.listTools()).map((tool) => tool.name)
      expect(new Set(scenariosOf(cast).map((scenario) => scenario.tool))).toEqual(new Set(listed))
    })
  })
})

/** With RECORD=<origin of a live HAPI server> what was not recorded is asked there, and kept. */
function behindOf(cast: Cast, standIn: TestExchange<unknown> | undefined): Behind | undefined {
  if (standIn !== undefined) return { origin: standIn.origin }
  const live = process.env[`RECORD_${cast.server.toUpperCase().replace('-', '_')}`]
  return live === undefined ? undefined : { origin: live, record: true }
}
