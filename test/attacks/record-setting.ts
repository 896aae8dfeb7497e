import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../plugins/index.ts'
import { compartmentTypes } from '../../src/fhir/compartment.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  type Fault,
  permissionsClaim,
  startExchange,
  syntheticCohort,
  type TestExchange,
} from '../../src/test-kit/index.ts'
import { record } from '../tools/record.ts'
import { stopClock } from './clock.ts'
import { type Answered, type AttackedGateway, startAttacked } from './gateway.ts'
import { type Signer, startSigner } from './signer.ts'

let clock: ReturnType<typeof stopClock>
export let signer: Signer
export let exchange: TestExchange<AnyResource[]>
export let gateway: AttackedGateway
export let token: string

/** Encounters are left out: a type that could be allowed and is not. */
export const types = compartmentTypes.filter((type) => type !== 'Encounter')

export const tokenOf = (claims: object = {}) =>
  signer.token(signer.claims({ ...permissionsClaim({ studies: ['study-a'] }), ...claims }))

beforeAll(async () => {
  clock = stopClock()
  signer = await startSigner()
  const cohort = [...syntheticCohort(), ...record('R4')]
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort })
  const fhir = { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types } as const
  gateway = await startAttacked(signer, { fhir }, (app) => {
    app.fhirMcp.tool(sideways)
  })
  token = tokenOf()
})
beforeEach(() => exchange.reset())
afterAll(async () => {
  clock.release()
  await Promise.all([gateway.close(), exchange.close(), signer.close()])
})

/** An own tool whose decision is on Conditions, and which asks for something else. */
export const sideways = defineTool({
  name: 'sideways',
  title: 'Sideways',
  description: 'Asks for another type than was decided on.',
  input: z.strictObject({ type: z.enum(compartmentTypes), name: z.string().default('status') }),
  output: 'object',
  rule: { needs: [{ types: ['Condition'] }], patients: true },
  subject: () => ({ kind: 'patient', patient: 'pat-1', study: undefined }),
  async run({ type, name }, { exchange: asked, grant }) {
    const search = name === 'status' ? {} : { [name]: 'x' }
    const page = await asked.search(grant, type, { search, count: 5 })
    return { structured: { found: page.resources.length }, text: `${page.resources.length}` }
  },
})

export const search = (given: object = {}, bearer = token) =>
  gateway.call(bearer, 'search_fhir', { patient_id: 'pat-1', type: 'Condition', ...given })
export const read = (id: string, given: object = {}, bearer = token) =>
  gateway.call(bearer, 'read_fhir', { patient_id: 'pat-1', type: 'Condition', id, ...given })

export const misbehave = (type: string, fault: Fault) =>
  exchange.misbehave((request) => (request.path.startsWith(`/fhir/${type}`) ? fault : undefined))

export function hasCode(answer: Answered, code: string) {
  expect(answer.code, answer.body).toBe(code)
  expect(answer.body).not.toContain('pat-10')
  expect(answer.body).not.toContain('Secretova')
}

export const asked = () => exchange.requests.map((request) => request.path.split('?')[0])
