import { describe, expect, it } from 'vitest'
import { grantFor, on } from './grants.ts'
import { type Faults, observation, type Row, startHapi } from './hapi-stand-in.ts'
import { exchangeOf, testNow } from './opened.ts'

const a = [{ system: 'urn:types', code: 'a' }]
const grant = grantFor({ studies: { s1: ['p1'] } }, on.patient('p1'))
const at = (minute: number) => ({ status: 'final', effectiveDateTime: `2026-10-01T08:0${minute}:00Z` })
const component = (code: string) => ({ code: { coding: [{ system: 'urn:types', code }] } })
const rows: Row[] = [
  observation('alone', 'p1', 'a', at(1)),
  observation('panel', 'p1', 'panel', { ...at(2), component: [component('b'), component('a')] }),
  observation('other', 'p1', 'panel', { ...at(3), component: [component('b')] }),
  observation('foreign', 'p2', 'panel', { ...at(4), component: [component('a')] }),
]

async function serverWith(faults: Faults = {}, stored = rows) {
  const server = await startHapi('R4', faults, stored)
  const clock = { now: testNow }
  const exchange = exchangeOf(server.baseUrl, { fhir: { dialect: 'hapi' }, now: () => clock.now })
  const newest = { order: 'newest', count: 10 } as const
  const read = async (more = {}) => {
    const page = await exchange.observations(grant, { codes: a, ...newest, ...more })
    return page.observations.map(({ id }) => id)
  }
  const names = () =>
    server.arrivals.map(({ url, body }) => (`${url} ${body}`.includes('combo-code=') ? 'combo-code' : 'code'))
  return { exchange, read, names, clock, arrivals: server.arrivals }
}

describe('observations with a code in a component', () => {
  it('are found, counted and read with those of many patients', async () => {
    const { exchange, read } = await serverWith()
    expect(await read()).toEqual(['panel', 'alone'])
    expect(await exchange.countPatientObservations(grant, 'p1', { codes: a })).toEqual({
      count: 2,
      excluded: 0,
    })
    const study = grantFor({ studies: { s1: ['p1', 'p2'] } }, on.study('s1'))
    expect((await exchange.countObservations(study, { codes: a })).count).toBe(3)
    const query = { codes: a, patients: ['p1', 'p2'], concurrency: 2, signal: new AbortController().signal }
    const ids = []
    for await (const page of exchange.patientsObservations(study, query)) {
      ids.push(...page.observations.map((one) => one.observation.id))
    }
    expect(ids.sort()).toEqual(['alone', 'foreign', 'panel'])
  })

  it('cost one control in five minutes', async () => {
    const { read, names, clock } = await serverWith()
    await read()
    await read()
    expect(names()).toEqual(['combo-code', 'combo-code', 'combo-code'])
    clock.now += 300_000
    await read()
    expect(names()).toHaveLength(5)
  })

  it.each<[string, Faults]>([
    ['ignores the parameter', { ignores: ['combo-code'] }],
    ['refuses it', { refuses: 'control:none' }],
  ])('are not looked for where the server %s: those of the code itself are', async (_, faults) => {
    const { exchange, read } = await serverWith(faults)
    expect(await read()).toEqual(['alone'])
    const count = exchange.countPatientObservations(grant, 'p1', { codes: a })
    if (faults.refuses === undefined) expect((await count).count).toBe(1)
    else await expect(count).resolves.toEqual({ count: 1, excluded: 0 })
  })

  it('are not looked for where the server takes the parameter and finds nothing by it', async () => {
    const { read, names, clock } = await serverWith({ empties: ['combo-code'] })
    expect(await read()).toEqual(['alone'])
    expect(names()).toEqual(['combo-code', 'combo-code', 'code', 'code'])
    expect(await read()).toEqual(['alone'])
    expect(names()).toHaveLength(5)
    clock.now += 300_000
    expect(await read()).toEqual(['alone'])
  })

  it('are asked for by code as well while nothing was ever found, and once something was, not any more', async () => {
    const { exchange, read, names } = await serverWith()
    const none = { codes: [{ system: 'urn:types', code: 'none' }] }
    expect(await read(none)).toEqual([])
    expect(names()).toEqual(['combo-code', 'combo-code', 'code'])
    await read()
    expect(await read(none)).toEqual([])
    expect(await exchange.countPatientObservations(grant, 'p1', none)).toEqual({ count: 0, excluded: 0 })
    expect(names().slice(3)).toEqual(['combo-code', 'combo-code', 'combo-code'])
  })

  it('of a panel are found by the code of the panel where the server has no search by component', async () => {
    const panels = [{ system: 'urn:types', code: 'panel' }]
    const { read } = await serverWith({ ignores: ['combo-code'] })
    expect(await read({ panels })).toEqual(['other', 'panel', 'alone'])
    const able = await serverWith()
    expect(await able.read({ panels })).toEqual(['panel', 'alone'])
  })

  it('are refused where none of their codes is the one that was asked for', async () => {
    const strays = {
      alters: (row: Row) => (row.id === 'panel' ? { ...row, component: [component('b')] } : row),
    }
    const { read } = await serverWith(strays)
    await expect(read()).rejects.toMatchObject({ code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE' })
  })
})
