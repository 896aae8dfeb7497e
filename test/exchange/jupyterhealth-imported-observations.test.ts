import { describe, expect, it } from 'vitest'
import { grantFor, on, type TestCaller } from './grants.ts'
import { idOf, imported, startWithImports } from './jupyterhealth-imports.ts'
import { codeOf, walk } from './opened.ts'

const everybody = Array.from({ length: 14 }, (_, n) => String(40006 + n))
const byOrganization: TestCaller = { organizations: { '20009': everybody } }
const omh = (name: string) => ({ system: 'https://w3id.org/openmhealth', code: `omh:${name}` })
/** All types that the study has. */
const requested = {
  '30006': [
    'heart-rate:2.0',
    'blood-glucose:4.0',
    'blood-pressure:4.0',
    'step-count:3.0',
    'sleep-duration:2.0',
  ].map(omh),
}
const byStudy: TestCaller = { studies: { '30006': ['40007'] }, requested }
const code = { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }
const at = (n: number, effective: object, rest: object = {}) =>
  imported(n, 'Observation', { status: 'final', code, ...effective, ...rest })
const newest = { order: 'newest', count: 5 } as const

describe('the observations of both origins of a JupyterHealth Exchange', () => {
  it('come in one order, whatever the page, with what moved in between', async () => {
    // Later than all others, between two of them, as an instant, and without a time.
    const { as, server } = await startWithImports([
      at(1, { effectiveDateTime: '2030-01-01T00:00:00Z' }),
      at(2, { effectiveDateTime: '2026-11-10T12:00:00Z' }),
      at(3, { effectiveInstant: '2026-11-10T12:00:00.500Z' }),
      at(4, {}),
    ])
    const exchange = as('northlake_member')
    const grant = grantFor(byOrganization, on.patient('40007'))
    for (const order of ['newest', 'oldest'] as const) {
      const { ids, totals } = await walk(exchange, grant, { order, count: 7 }, 3)
      expect(ids).toHaveLength(204)
      expect(new Set(ids).size).toBe(204)
      expect(new Set(totals)).toEqual(new Set([204]))
      const places = [1, 2, 3, 4].map((n) => ids.indexOf(idOf(n)))
      const [latest = -1, minute = -1, instant = -1, undated = -1] = places
      expect(latest).toBe(order === 'newest' ? 0 : 202)
      expect(minute - instant).toBe(order === 'newest' ? 1 : -1)
      expect(undated).toBe(203)
    }
    const first = await exchange.observations(grant, { order: 'newest', count: 5 })
    server.cohort.imports.unshift(at(5, { effectiveDateTime: '2031-01-01T00:00:00Z' }))
    const position = first.positionAfter(1)
    const again = as('northlake_member')
    const second = await again.observations(grant, position === undefined ? newest : { ...newest, position })
    expect(second.observations[0]?.id).toBe(first.observations[1]?.id)
    expect(second.observations.map(({ id }) => id)).not.toContain(idOf(1))
  })

  it('are read once in a call, and not again once there are no more', async () => {
    const { as, server } = await startWithImports([at(1, { effectiveDateTime: '2030-01-01T00:00:00Z' })])
    const exchange = as('northlake_member')
    const grant = grantFor(byOrganization, on.patient('40007'))
    await walk(exchange, grant, newest)
    await exchange.countPatientObservations(grant, '40007', {})
    const below = () => server.requests.filter(({ path }) => path.includes('fhir-source'))
    expect(below()).toHaveLength(1)
    const page = await as('northlake_member').observations(grant, newest)
    expect(below()).toHaveLength(2)
    const position = page.positionAfter(5)
    const next = as('northlake_member').observations(
      grant,
      position === undefined ? newest : { ...newest, position },
    )
    expect((await next).total).toBe(201)
    expect(below()).toHaveLength(2)
  })

  it('refuse a position that is not of this search', async () => {
    const { as } = await startWithImports([at(1, { effectiveDateTime: '2020-01-01T00:00:00Z' })])
    const grant = grantFor(byOrganization, on.patient('40007'))
    const exchange = as('northlake_member')
    for (const position of [['=1'], ['x', '=1'], ['=', '=1'], [null, null], ['{"page":0}', '0 ']]) {
      expect(await codeOf(exchange.observations(grant, { ...newest, position }))).toBe('INVALID_ARGUMENT')
    }
  })

  it('are the exchange’s own alone for a patient within reach only by studies', async () => {
    const { as, server } = await startWithImports([at(1, { effectiveDateTime: '2026-10-01T00:00:00Z' })])
    const grant = grantFor(byStudy, on.patient('40007'))
    const exchange = as('northlake_member')
    expect(await exchange.imports(grant)).toBe('left out')
    expect((await exchange.observations(grant, newest)).total).toBe(200)
    expect(await exchange.countPatientObservations(grant, '40007', {})).toEqual({ count: 200, excluded: 0 })
    expect(server.requests.filter(({ path }) => path.includes('_source'))).toEqual([])
    expect(await exchange.imports(grantFor(byOrganization, on.patient('40007')))).toBe('given')
    expect(await exchange.imports(grantFor({ patient: '40007' }, on.patient('40007')))).toBe('given')
    expect(await exchange.imports(grantFor(byStudy, on.study('30006')))).toBe('left out')
    const inStudy = { ...byStudy, ...byOrganization }
    expect(await exchange.imports(grantFor(inStudy, on.patient('40007', '30006')))).toBe('left out')
    expect(await exchange.imports(grantFor(inStudy, on.patient('40007')))).toBe('given')
    const own = { ...byStudy, patient: '40007' }
    expect(await exchange.imports(grantFor(own, on.patient('40007', '30006')))).toBe('left out')
  })

  it('are counted over an organization, and over everybody within reach by one', async () => {
    const { as, server } = await startWithImports([
      at(1, { effectiveDateTime: '2026-10-01T00:00:00Z' }),
      at(2, {}, { status: 'cancelled' }),
    ])
    const exchange = as('northlake_member')
    const onOrganization = grantFor(byOrganization, on.organization('20009'))
    expect(await exchange.countObservations(onOrganization, {})).toEqual({
      count: 3801,
      excluded: 1,
      imported: 1,
    })
    const reach = grantFor(byOrganization, on.reach)
    expect(await exchange.countObservations(reach, {})).toMatchObject({ count: 3801, imported: 1 })
    server.cohort.imports.length = 0
    server.reset()
    expect(await as('northlake_member').countObservations(onOrganization, {})).toMatchObject({ count: 3800 })
    const below = server.requests.filter(({ path }) => path.includes('_source'))
    expect(below).toHaveLength(1)
  })

  it('are the exchange’s own alone in a study, and over those within reach by studies', async () => {
    const { as, server } = await startWithImports([at(1, { effectiveDateTime: '2026-10-01T00:00:00Z' })])
    const exchange = as('northlake_member')
    const members = [...everybody.slice(0, 10), '40019']
    const ofStudy = { ...byStudy, studies: { '30006': members } }
    const whole = { count: 3200, excluded: 0 }
    expect(await exchange.countObservations(grantFor(ofStudy, on.study('30006')), {})).toEqual(whole)
    expect(await exchange.countObservations(grantFor(ofStudy, on.reach), {})).toEqual(whole)
    expect(server.requests.filter(({ path }) => path.includes('_source'))).toEqual([])
  })
})
