import { describe, expect, it, onTestFinished } from 'vitest'
import { permissionsClaim, startExchange, startIssuer, syntheticCohort } from '../../src/test-kit/index.ts'
import { record } from '../tools/record.ts'
import { startGateway } from './gateway.ts'
import { recordSuite } from './record-suite.ts'

for (const fhirVersion of ['R4', 'R5'] as const) {
  recordSuite(`the record of a patient, ${fhirVersion}`, fhirVersion, async () => {
    const cohort = [...syntheticCohort(), ...record(fhirVersion)]
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion, cohort })
    return { baseUrl: exchange.url, close: exchange.close }
  })
}

describe('the record of a patient', () => {
  it('is an answer with the error for a token without the scope, where the transport has no 403', async () => {
    const audience = 'https://mcp.test/mcp'
    const cohort = [...syntheticCohort(), ...record('R4')]
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort })
    const issuer = await startIssuer()
    const gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none', types: ['Condition', 'Procedure'] },
      auth: { issuer: issuer.url, audience },
    })
    onTestFinished(async () => {
      await gateway.close()
      await Promise.all([exchange.close(), issuer.close()])
    })
    const scope = 'user/Patient.rs user/Procedure.rs'
    const claims = { sub: 'x', aud: audience, scope, ...permissionsClaim({ studies: ['study-a'] }) }
    const client = await gateway.connect('sse', await issuer.token(claims))
    for (const tool of ['search_fhir', 'read_fhir']) {
      const called = await client.call(tool, {
        patient_id: 'pat-1',
        type: 'Condition',
        ...(tool === 'read_fhir' ? { id: 'x' } : {}),
      })
      expect(called.text).toMatch(/^FHIR_MCP_INSUFFICIENT_SCOPE/)
      expect(called.text).toContain('Scopes needed: user/Condition.rs user/Patient.rs')
      expect(called.text).not.toContain('Procedure')
    }
    expect(exchange.count).toBe(0)
    expect((await client.call('search_fhir', { patient_id: 'pat-1', type: 'Procedure' })).isError).toBe(false)
  })

  it('is a table where one is asked for, by a participant code too', async () => {
    const exchange = await startExchange({
      dialect: 'hapi',
      fhirVersion: 'R4',
      cohort: [...syntheticCohort(), ...record('R4')],
    })
    const issuer = await startIssuer()
    const audience = 'https://mcp.test/mcp'
    const gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none', types: ['Condition'] },
      auth: { issuer: issuer.url, audience },
    })
    onTestFinished(async () => {
      await gateway.close()
      await Promise.all([exchange.close(), issuer.close()])
    })
    const claims = { sub: 'x', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
    const client = await gateway.connect('http', await issuer.token(claims))
    const given = { patient_id: 'A001', study_id: 'study-a', type: 'Condition', format: 'table' }
    const { structured, text } = await client.call('search_fhir', given)
    expect(structured, text).toMatchObject({ columns: ['id', 'time', 'name', 'status', 'details'], total: 7 })
    expect(structured.rows).toContainEqual([
      'pat-1-condition-1',
      '2021-02-01T00:00:00Z',
      '"Type 2 diabetes" (http://snomed.info/sct|44054006)',
      expect.stringContaining('resolved'),
      expect.stringContaining('onsetDateTime 2021-01-15'),
    ])
  })
})
