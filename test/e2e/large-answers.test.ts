import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../plugins/index.ts'
import { permissionsClaim, startExchange, startIssuer, syntheticCohort } from '../../src/test-kit/index.ts'
import { startGateway } from './gateway.ts'

const audience = 'https://mcp.test/mcp'

/** A gateway before an exchange with 2 MiB of observations of pat-1, with a tool that holds a page of them until it is let go. */
async function holdingGateway(bytesInFlight: number) {
  const note = [{ text: 'x'.repeat(20_000) }]
  const cohort = syntheticCohort().map((one) =>
    one.resourceType === 'Observation' && JSON.stringify(one).includes('Patient/pat-1"')
      ? { ...one, note }
      : one,
  )
  const [exchange, issuer] = await Promise.all([
    startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort }),
    startIssuer(),
  ])
  let letGo = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const holding: string[] = []
  const hold = defineTool({
    name: 'hold_page',
    title: 'Hold a page',
    description: 'Reads a page of observations, and holds it.',
    input: z.strictObject({ name: z.string(), patient_id: z.string() }),
    output: 'object',
    rule: { needs: [{ types: ['Observation'] }], patients: true },
    subject: ({ patient_id }) => ({ kind: 'patient', patient: patient_id, study: undefined }),
    async run({ name }, { exchange: asked, grant }) {
      const page = await asked.observations(grant, { order: 'newest', count: 200 })
      holding.push(name)
      await gate
      return { structured: { rows: page.observations.length }, text: 'held' }
    },
  })
  const gateway = await startGateway(
    {
      fhir: { baseUrl: exchange.url, dialect: 'hapi', credentials: 'none', bytesInFlight },
      auth: { issuer: issuer.url, jwksUri: issuer.jwksUri, audience },
    },
    (app) => app.fhirMcp.tool(hold),
  )
  onTestFinished(async () => {
    letGo()
    await gateway.close()
    await exchange.close()
    await issuer.close()
  })
  const connect = async (sub: string) => {
    const token = await issuer.token({ sub, aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })
    return gateway.connect('http', token)
  }
  return { exchange, connect, holding, letGo: () => letGo() }
}

/** Whether the exchange was asked for so many pages, whoever reads them. */
const pagesAsked = (requests: readonly { readonly path: string; readonly body: string }[]) =>
  requests.filter(({ path, body }) => path.includes('/Observation') && `${path}${body}`.includes('_count'))
    .length

it('large answers of three people are held one after the other, and small ones go on', async () => {
  const { exchange, connect, holding, letGo } = await holdingGateway(1_048_576)
  const people = await Promise.all(['ada', 'bob', 'eve'].map(connect))
  const [ada] = people
  await ada?.call('get_patient_demographics', { patient_id: 'pat-1' })
  const calls = people.map((client, nth) => client.call('hold_page', { name: `${nth}`, patient_id: 'pat-1' }))
  await expect.poll(() => pagesAsked(exchange.requests)).toBe(3)
  await expect.poll(() => holding.length).toBe(1)
  // Long enough for every answer that nobody keeps waiting: these are answered while the large ones wait.
  for (const client of [...people, ...people]) {
    const { isError } = await client.call('get_patient_demographics', { patient_id: 'pat-2' })
    expect(isError).toBe(false)
  }
  expect(holding).toHaveLength(1)
  letGo()
  for (const { isError, structured } of await Promise.all(calls)) {
    expect(isError).toBe(false)
    expect(structured).toMatchObject({ rows: 100 })
  }
  expect(holding.toSorted()).toEqual(['0', '1', '2'])
})

it('without a bound they are held together', async () => {
  const { connect, holding, letGo } = await holdingGateway(0)
  const people = await Promise.all(['ada', 'bob', 'eve'].map(connect))
  const calls = people.map((client, nth) => client.call('hold_page', { name: `${nth}`, patient_id: 'pat-1' }))
  await expect.poll(() => holding.length).toBe(3)
  letGo()
  for (const { isError } of await Promise.all(calls)) expect(isError).toBe(false)
})
