import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  jupyterHealthCohort,
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { type Gateway, startGateway } from './gateway.ts'
import type { TestClient } from './test-client.ts'

const audience = 'https://mcp.test/mcp'

/** Who is called what: the first three are within reach, the last two are not. */
const people = [
  ['Chidi', 'Achebe'],
  ['Anna', 'van der Berg'],
  ['José', 'García'],
  ['Chidi', 'Achebe'],
  ['Jose', 'Garcia'],
] as const

describe.each(['hapi', 'jupyterhealth'] as const)('a person’s name on %s', (dialect) => {
  let issuer: TestIssuer
  let exchange: Awaited<ReturnType<typeof exchangeOf>>
  let gateway: Gateway
  let client: TestClient

  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = await exchangeOf(dialect)
    gateway = await startGateway(
      {
        fhir: { baseUrl: exchange.url, credentials: dialect === 'hapi' ? 'none' : 'forward', audience },
        auth: { issuer: issuer.url, audience },
      },
      undefined,
      dialect === 'hapi' ? 'R4' : 'R5',
    )
    const claims = permissionsClaim({ studies: [dialect === 'hapi' ? 'study-a' : '30006'] })
    client = await gateway.connect('http', await issuer.token({ sub: 'ada', aud: audience, ...claims }))
  })
  afterAll(async () => {
    await gateway.close()
    await issuer.close()
    await exchange.close()
  })

  it.each([
    ['Chidi Achebe', 0],
    ['achebe, chidi', 0],
    ['Anna van der Berg', 1],
    ['van der Berg', 1],
    ['Jose Garcia', 2],
    ['jos gar', 2],
  ])('%j finds whose it is, within reach alone', async (name, index) => {
    const called = await client.call('search_patients', { name, detail: 'identified', format: 'table' })
    expect(called.isError, called.text).toBe(false)
    expect(called.structured).toMatchObject({ total: 1 })
    expect(called.text).toContain(people[index]?.[1])
  })

  it('of two people is neither of them', async () => {
    const called = await client.call('search_patients', { name: 'Chidi van der Berg' })
    expect(called.text).toContain('0 in total')
    const family = await client.call('search_patients', { family: 'van der Berg', given: 'Anna' })
    expect(family.text).toContain('1 in total')
  })
})

async function exchangeOf(dialect: 'hapi' | 'jupyterhealth') {
  if (dialect === 'hapi') {
    const cohort = syntheticCohort().map((resource): AnyResource => {
      const index = ['pat-1', 'pat-2', 'pat-3', 'pat-10', 'pat-13'].indexOf(resource.id ?? '')
      const person = resource.resourceType === 'Patient' ? people[index] : undefined
      return person === undefined
        ? resource
        : { ...resource, name: [{ given: [person[0]], family: person[1] }] }
    })
    return startExchange({ dialect, fhirVersion: 'R4', cohort })
  }
  const cohort = jupyterHealthCohort()
  const patients = cohort.patients.map((patient) => {
    const person = people[[40006, 40007, 40008, 40025, 40026].indexOf(patient.id)]
    return person === undefined ? patient : { ...patient, given: person[0], family: person[1] }
  })
  return startExchange({
    dialect,
    cohort: { ...cohort, patients },
    authorize: () => 'northlake_member',
  })
}
