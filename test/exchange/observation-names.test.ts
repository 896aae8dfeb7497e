import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { relatedTo } from '../../src/tools/observations/related.ts'
import { grantFor, on } from './grants.ts'
import { cohort, type Faults, observation, type Row, startHapi } from './hapi-stand-in.ts'
import { codeOf, exchangeOf } from './opened.ts'

const caller = { studies: { s1: ['p1', 'p2'] } }
const onP1 = grantFor(caller, on.patient('p1'))
const ids = (rows: readonly Observation[]) => rows.map(({ id }) => id).sort()
const lab = (row: Row): Row => ({
  ...row,
  category: [{ coding: [{ system: 'urn:categories', code: 'laboratory' }] }],
})

describe.each(['R4', 'R5'] as const)('the names of observations that others refer to (%s)', (version) => {
  const rows = [...cohort(version), lab(observation('lab', 'p1', 'a', {}))]
  const start = async (faults: Faults = {}) => {
    const server = await startHapi(version, faults, rows)
    return { server, exchange: exchangeOf(server.baseUrl) }
  }

  it('come in one request that names patient and ids, of the patient alone', async () => {
    const { server, exchange } = await start()
    const wanted = ['p1-01', 'p1-undated', 'p5-01', 'nowhere']
    expect(ids(await exchange.observationNames(onP1, wanted))).toEqual(['p1-01', 'p1-undated'])
    const sent = server.arrivals.filter(({ url }) => url.includes('Observation'))
    expect(sent).toHaveLength(1)
    const form = new URLSearchParams(sent[0]?.body)
    expect([form.get('_id'), form.get('patient')]).toEqual([wanted.join(','), 'Patient/p1'])
    expect(form.get('_elements')).toBe('status,code,subject,category')
  })

  it('are not asked for where there is nothing to ask', async () => {
    const { server, exchange } = await start()
    expect(await exchange.observationNames(onP1, [])).toEqual([])
    expect(server.arrivals.filter(({ url }) => url.includes('Observation'))).toEqual([])
  })

  it('stay within the categories of the scopes', async () => {
    const { exchange } = await start()
    const scope =
      'user/Observation.rs?category=urn:categories|laboratory user/Patient.rs user/ResearchSubject.rs'
    const grant = grantFor({ ...caller, scope }, on.patient('p1'))
    expect(ids(await exchange.observationNames(grant, ['p1-01', 'lab']))).toEqual(['lab'])
  })

  it.each([
    ['patient', 'EXCHANGE_LEAK'],
    ['_id', 'NOT_SUPPORTED_BY_EXCHANGE'],
  ])('are no leak where the server ignores %s', async (ignored, code) => {
    const { exchange } = await start({ ignores: [ignored] })
    expect(await codeOf(exchange.observationNames(onP1, ['p1-01', 'p5-01']))).toBe(code)
  })

  it('are asked for once a page, without those that are on it', async () => {
    const { server, exchange } = await start()
    const settings = {
      rosterSeconds: 60,
      deadline: 60_000,
      concurrency: 5,
      filtersRows: false,
      baseUrl: server.baseUrl,
    }
    const page = ['p1-01', 'p1-02'].map(
      (id) =>
        ({
          ...observation(id, 'p1', 'a', {}),
          hasMember: [{ reference: 'Observation/p1-02' }, { reference: 'Observation/p1-03' }],
          derivedFrom: [{ reference: 'Observation/p5-01' }, { reference: 'Patient/p5' }],
        }) as unknown as Observation,
    )
    const known = await relatedTo(page, { exchange, grant: onP1, settings })
    expect([...known.keys()].sort()).toEqual(['p1-01', 'p1-02', 'p1-03'])
    const sent = server.arrivals.filter(({ url }) => url.includes('Observation'))
    expect(sent.map(({ body }) => new URLSearchParams(body).get('_id'))).toEqual(['p1-03,p5-01'])
  })

  it('are no reason for a page to fail', async () => {
    const { server, exchange } = await start({ ignores: ['_id'] })
    const settings = {
      rosterSeconds: 60,
      deadline: 60_000,
      concurrency: 5,
      filtersRows: false,
      baseUrl: server.baseUrl,
    }
    const page = [{ ...observation('p1-01', 'p1', 'a', {}), hasMember: [{ reference: 'Observation/p1-03' }] }]
    const known = await relatedTo(page as unknown as Observation[], { exchange, grant: onP1, settings })
    expect([...known.keys()]).toEqual(['p1-01'])
  })
})
