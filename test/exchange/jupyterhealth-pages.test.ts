import { describe, expect, it } from 'vitest'
import { grantFor, on } from './grants.ts'
import type { Row } from './hapi-stand-in.ts'
import { data, reading, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { codeOf, exchangeOf } from './opened.ts'

const caller = { studies: { '30': ['41', '42'] }, organizations: { '20': ['41', '42'] } }
const on41 = grantFor(caller, on.patient('41'))
const newest = { order: 'newest', count: 5 } as const

describe('pages of a JupyterHealth Exchange', () => {
  const people = () => data().rows.filter(({ resourceType }) => resourceType !== 'Observation')
  const start = async (rows: Row[]) => {
    const server = await startJupyterHealth({}, { ...data(), rows })
    return { exchange: exchangeOf(`${server.origin}/FHIR/R5`, { fhir: { dialect: 'jupyterhealth' } }) }
  }
  const own = (id: number, day: string) =>
    reading(id, 41, ['rate:1'], { effectiveDateTime: `${day}T12:00:00Z` })

  it('show a row once that is there twice, and name no total', async () => {
    const twice = own(900, '2026-11-01')
    const { exchange } = await start([...people(), twice, twice, own(901, '2026-11-02')])
    const page = await exchange.observations(on41, newest)
    expect(page.observations.map(({ id }) => id)).toEqual(['901', '900'])
    expect([page.total, page.gaps]).toEqual([undefined, ['repeated']])
  })

  it('are whole where new rows only move the others', async () => {
    const seven = Array.from({ length: 7 }, (_, at) => own(900 + at, `2026-11-0${at + 1}`))
    const rows = [...people(), ...seven]
    const { exchange } = await start(rows)
    const first = await exchange.observations(on41, newest)
    rows.push(own(950, '2026-11-20'))
    const position = first.positionAfter(5)
    const second = await exchange.observations(on41, { ...newest, ...(position && { position }) })
    expect(second.observations.map(({ id }) => id)).toEqual(['901', '900'])
    expect(second.gaps).toEqual([])
  })

  it('of a roster that repeat a patient are refused', async () => {
    const patient = { resourceType: 'Patient', id: '41' }
    const { exchange } = await start([patient, patient])
    expect(await codeOf(exchange.roster(grantFor(caller, on.study('30'), false), 10))).toBe(
      'EXCHANGE_REJECTED',
    )
  })
})
