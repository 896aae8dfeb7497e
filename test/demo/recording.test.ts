import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Recorded, recordAnew } from '../../src/demo/recording.ts'
import type { Situation } from '../../src/demo/situation.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/index.ts'

let exchange: TestExchange<AnyResource[]>
beforeAll(async () => {
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(() => exchange.close())

function situation(path: string, body: unknown = {}, more: Partial<Situation['request']> = {}): Situation {
  return {
    request: { method: 'GET', path, headers: { Accept: 'application/fhir+json' }, ...more },
    response: { status: 200, headers: {}, body },
  }
}

async function record(
  situations: Record<string, Situation>,
  options: { base?: string; token?: string } = {},
): Promise<Record<string, Recorded>> {
  const results: Record<string, Recorded> = {}
  const asked = { base: exchange.url, ...options, situations: new Map(Object.entries(situations)) }
  for await (const [name, result] of recordAnew(asked)) results[name] = result
  return results
}

const next = '?_getpages=of-another-server&_getpagesoffset=3'
const firstPage = { link: [{ relation: 'next', url: `http://old.example/fhir${next}` }] }

describe('recording anew', () => {
  it('keeps request and answer in the form of the fixtures', async () => {
    const { read } = await record({ read: situation('/Patient/pat-1') })
    expect(read).toMatchObject({
      kind: 'recorded',
      situation: {
        request: { method: 'GET', path: '/Patient/pat-1', headers: { Accept: 'application/fhir+json' } },
        response: {
          status: 200,
          headers: { 'content-type': 'application/fhir+json;charset=UTF-8', etag: 'W/"1"' },
          body: { resourceType: 'Patient', id: 'pat-1' },
        },
      },
    })
  })

  it('sends the token and writes it nowhere, nor any cookie', async () => {
    exchange.reset()
    const headers = { Authorization: 'Bearer of-somebody-else', Cookie: 'session=1', Accept: '*/*' }
    const { read } = await record(
      { read: situation('/Patient/pat-1', {}, { headers }) },
      { token: 'secret-token' },
    )
    expect(exchange.requests[0]?.headers.authorization).toBe('Bearer secret-token')
    expect(read).toMatchObject({ kind: 'recorded', situation: { request: { headers: { Accept: '*/*' } } } })
    expect(JSON.stringify(read)).not.toMatch(/secret-token|of-somebody-else|session=1/)
  })

  it('leaves out an answer that repeats the token', async () => {
    exchange.misbehave(({ headers }) => ({ kind: 'rewrite', change: () => ({ was: headers.authorization }) }))
    const { read } = await record({ read: situation('/Patient/pat-1') }, { token: 'secret-token' })
    exchange.reset()
    expect(read).toEqual({ kind: 'skipped', why: 'the answer repeats the token' })
  })

  it('reaches a page by the page before it, whatever their names', async () => {
    const { 'a-page': page } = await record({
      'a-page': situation(next),
      first: situation('/Patient?_count=3&_sort=_id', firstPage),
    })
    expect(page).toMatchObject({
      kind: 'recorded',
      situation: {
        request: { path: expect.stringContaining('_getpagesoffset=3') },
        response: { body: { entry: [{ resource: { id: 'pat-12' } }, {}, {}] } },
      },
    })
  })

  it('says why it skips: no page before it, none behind it, a caller of its own, no answer', async () => {
    const results = await record({
      alone: situation('?_getpages=alone'),
      short: situation('/Patient?_id=pat-1', firstPage),
      'after-short': situation(next),
      'of-a-caller': situation('/Patient', {}, { as: 'member' }),
    })
    expect(results.alone).toMatchObject({ kind: 'skipped', why: expect.stringContaining('page before it') })
    expect(results['after-short']).toMatchObject({
      kind: 'skipped',
      why: expect.stringContaining('no next one'),
    })
    expect(results['of-a-caller']).toMatchObject({ kind: 'skipped' })
    const { gone } = await record({ gone: situation('/Patient/pat-1') }, { base: 'http://127.0.0.1:9/fhir' })
    expect(gone).toEqual({ kind: 'skipped', why: 'the server did not answer' })
  })

  it('records refusals as they are, in HTML too, and sends bodies', async () => {
    const expired = situation('?_getpages=0000', {})
    const results = await record({
      expired: { ...expired, response: { ...expired.response, status: 410 } },
      long: situation(`/Patient?name=${'x'.repeat(9000)}`),
      batch: situation(
        '',
        {},
        {
          method: 'POST',
          body: {
            resourceType: 'Bundle',
            type: 'batch',
            entry: [{ request: { url: 'Patient?_summary=count' } }],
          },
        },
      ),
    })
    expect(results.expired).toMatchObject({ situation: { response: { status: 410 } } })
    expect(results.long).toMatchObject({ situation: { response: { body: expect.stringContaining('<h1>') } } })
    expect(results.batch).toMatchObject({
      situation: { response: { body: { entry: [{ resource: { total: 16 } }] } } },
    })
  })

  it('cuts metadata to the types that the recorded one was cut to', async () => {
    const before = { resourceType: 'CapabilityStatement', rest: [{ resource: [{ type: 'Patient' }] }] }
    const results = await record({
      cut: situation('/metadata', before),
      whole: situation('/metadata', { resourceType: 'CapabilityStatement' }),
      small: situation('/metadata?_elements=fhirVersion', before),
    })
    const types = (name: string) => {
      const { situation: one } = results[name] as { situation: Situation }
      const { rest } = one.response.body as { rest?: { resource: { type: string }[] }[] }
      return rest?.[0]?.resource.map(({ type }) => type)
    }
    expect(types('cut')).toEqual(['Patient'])
    expect(types('whole')).toContain('Observation')
    expect(types('small')).toBeUndefined()
  })
})
