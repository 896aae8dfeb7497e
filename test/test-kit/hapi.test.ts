import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { startExchange, syntheticCohort, type TestExchange } from '../../src/test-kit/index.ts'
import { gist, type Situation, situationsOf } from './recorded.ts'

/** The recorded servers had the same people under plainer names. */
function asRecorded(): AnyResource[] {
  return syntheticCohort().map((resource) => {
    if (resource.resourceType !== 'Patient') return resource
    const number = resource.id === 'pat-15' ? '1' : resource.id?.replace('pat-', '')
    return { ...resource, name: [{ family: `Fam${number}`, given: [`Giv${number}`] }] }
  })
}

const metadata = ['metadata', 'metadata-summary', 'metadata-elements']

describe.each(['R4', 'R5'] as const)(
  'the HAPI %s stand-in against recordings of the real server',
  (version) => {
    const situations = situationsOf(`hapi-${version.toLowerCase()}`).filter(
      ({ name }) => !metadata.includes(name),
    )
    let exchange: TestExchange<AnyResource[]>
    beforeAll(async () => {
      exchange = await startExchange({ dialect: 'hapi', fhirVersion: version, cohort: asRecorded() })
    })
    afterAll(() => exchange.close())

    async function ask({ request }: Pick<Situation, 'request'>) {
      const response = await fetch(`${exchange.url}${request.path}`, {
        method: request.method,
        headers: { ...request.headers, 'Cache-Control': 'no-cache' },
        ...bodyOf(request.body),
      })
      const body: unknown = await response.json()
      return { status: response.status, body }
    }

    /** Page tokens are the server's own: ask for the first page and follow its `next`. */
    async function askPage(situation: Situation) {
      const first = situations.find(({ response }) =>
        JSON.stringify(response.body).includes(
          `"relation":"next","url":"http://127.0.0.1:${version === 'R4' ? 8090 : 8091}/fhir${situation.request.path}"`,
        ),
      )
      if (first === undefined) return ask(situation)
      const { body } = await ask(first)
      const next = (body as { link: { relation: string; url: string }[] }).link.find(
        ({ relation }) => relation === 'next',
      )
      const response = await fetch(next?.url ?? '')
      return { status: response.status, body: (await response.json()) as unknown }
    }

    it.each(situations.map((situation) => [situation.name, situation] as const))(
      'answers %s as recorded',
      async (_, situation) => {
        const { status, body } = await (situation.request.path.startsWith('?')
          ? askPage(situation)
          : ask(situation))
        const { path } = situation.request
        const recorded = gist(path, situation.response.status, situation.response.body)
        expect(gist(path, status, body)).toEqual(recorded)
      },
    )
  },
)

/** A search by POST is recorded as its form, anything else as its JSON. */
function bodyOf(body: unknown): { body?: string } {
  if (body === undefined) return {}
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}
