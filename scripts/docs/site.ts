import Fastify from 'fastify'
import { createPlugin } from '../../plugins/plugin.ts'
import { noAudit } from '../../src/audit/create-audit.ts'
import { syntheticCast } from '../../src/demo/cast.ts'
import { compartmentTypes } from '../../src/fhir/compartment.ts'
import { createMcpService } from '../../src/mcp/create-mcp-service.ts'
import type { Registry } from '../../src/mcp/registry.ts'
import { syntheticCohort } from '../../src/test-kit/cohort.ts'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { startIssuer } from '../../src/test-kit/issuer.ts'
import { connectHttp, type TestClient } from '../../test/e2e/clients.ts'

/** A gateway over the invented cohort, with every tool on and a clock that stands still. */
export interface Site {
  readonly registry: Registry
  /** A client of Maya, who plays in the demo. */
  readonly client: TestClient
  close(): Promise<void>
}

const audience = 'https://mcp.example.org/mcp'
/** After the last reading of the cohort. */
const now = () => Date.parse('2026-11-23T09:00:00.000Z')

/** The cohort has readings alone; the tools on the rest of a record are shown with this. */
const diagnosis = {
  resourceType: 'Condition',
  id: 'condition-1',
  subject: { reference: 'Patient/pat-2' },
  code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertension' }] },
  clinicalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
  },
  recordedDate: '2025-03-14',
}

/** Starts it on loopback ports. */
export async function startSite(): Promise<Site> {
  const cohort = [...syntheticCohort(), diagnosis]
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort, now })
  const issuer = await startIssuer({ now })
  const app = Fastify()
  let registry: Registry | undefined
  const plugin = createPlugin({
    createService(options) {
      const service = createMcpService(options, { now, audit: noAudit, environment: {} })
      registry = service.registry
      return service
    },
    now,
    streams: { total: 10, perPrincipal: 10 },
  })
  // The routes go to the root, as fastify-plugin has it.
  const atRoot = Object.assign(plugin, { [Symbol.for('skip-override')]: true })
  await app.register(atRoot, {
    fhir: { baseUrl: exchange.url, credentials: 'none', types: [...compartmentTypes] },
    auth: { issuer: issuer.url, audience },
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const token = await issuer.token({ sub: 'maya', aud: audience, ...syntheticCast().manager.claims })
  const client = await connectHttp(`${origin}/mcp`, token)
  if (registry === undefined) throw new TypeError('the plugin makes its service at register')
  return {
    registry,
    client,
    async close() {
      await client.close()
      await app.close()
      await issuer.close()
      await exchange.close()
    },
  }
}
