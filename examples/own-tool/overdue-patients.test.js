// @ts-check
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import Fastify from 'fastify'
import fhirMcp from 'fastify-fhir-mcp'
import { permissionsClaim, startExchange, startIssuer, syntheticCohort } from 'fastify-fhir-mcp/test-kit'
import { listOverduePatients } from './overdue-patients.js'

const audience = 'https://gateway.example.org/mcp'
// The invented people of the test kit, without readings but for one of an hour ago.
const cohort = syntheticCohort().filter(({ resourceType }) => resourceType !== 'Observation')
cohort.push({
  resourceType: 'Observation',
  id: 'recent',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: 'Patient/pat-1' },
  effectiveDateTime: new Date(Date.now() - 3_600_000).toISOString(),
})
const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort })
const issuer = await startIssuer()
const app = Fastify()
let origin = ''

before(async () => {
  await app.register(fhirMcp, {
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url, audience },
    audit: { sink: 'off' },
  })
  app.fhirMcp.tool(listOverduePatients)
  origin = await app.listen({ port: 0, host: '127.0.0.1' })
})
after(async () => {
  await app.close()
  await issuer.close()
  await exchange.close()
})

/** @param {Record<string, unknown>} given */
async function callAsViewerOfOrg1(given) {
  const token = await issuer.token({
    aud: audience,
    ...permissionsClaim({ organizations: { 'org-1': 'viewer' } }),
  })
  const client = new Client({ name: 'test', version: '1.0.0' })
  const headers = { Authorization: `Bearer ${token}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }),
  )
  const result = await client.callTool({ name: 'list_overdue_patients', arguments: given })
  await client.close()
  return result
}

test('names those who have sent nothing, and nobody else', async () => {
  const result = await callAsViewerOfOrg1({ organization_id: 'org-1', days: 1 })
  assert.equal(result.isError, undefined)
  const { overdue } = /** @type {{ overdue: string[] }} */ (result.structuredContent)
  assert.ok(overdue.includes('pat-2'))
  assert.ok(!overdue.includes('pat-1'))
})

test('asks the exchange nothing about another organization', async () => {
  exchange.reset()
  const result = await callAsViewerOfOrg1({ organization_id: 'org-2' })
  assert.equal(result.isError, true)
  assert.match(JSON.stringify(result.structuredContent), /FHIR_MCP_FORBIDDEN/)
  assert.equal(exchange.count, 0)
})
