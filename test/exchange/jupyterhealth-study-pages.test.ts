import { describe, expect, it } from 'vitest'
import type { PatientsQuery } from '../../src/exchange/exchange.ts'
import { grantFor, on } from './grants.ts'
import type { Row } from './hapi-stand-in.ts'
import { code, type JupyterHealthFaults, reading, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { callOf } from './loopback.ts'
import { codeOf, openerOf } from './opened.ts'

const study = 'patient._has:Group:member:_id'
const people = Array.from({ length: 12 }, (_, n) => 50 + n)
const enrolled = people.map(String)

/** So many readings of each, of two types in turn; study 30 requested the first one and a type that nobody has. */
function readingsOf(each: number): Row[] {
  return people.flatMap((patient, n) =>
    Array.from({ length: each }, (_, at) => {
      const effectiveDateTime = new Date(Date.UTC(2026, 9, 1, n, at)).toISOString()
      return reading(1000 + n * each + at, patient, [at % 2 === 0 ? 'rate:1' : 'sleep:1'], {
        effectiveDateTime,
      })
    }),
  )
}

interface Setting {
  readonly each?: number
  readonly rows?: readonly Row[]
  readonly members?: readonly string[]
  readonly faults?: JupyterHealthFaults
  readonly left?: number
}

async function studyOn({
  each = 20,
  rows = readingsOf(each),
  members = enrolled,
  faults,
  left,
}: Setting = {}) {
  const server = await startJupyterHealth(faults, {
    studies: { '30': enrolled },
    organizations: {},
    requested: { '30': ['rate:1', 'rate:2'] },
    rows: [...enrolled.map((id): Row => ({ resourceType: 'Patient', id })), ...rows],
  })
  const opener = openerOf(server.baseUrl, { fhir: { dialect: 'jupyterhealth' } })
  const requested = { '30': [code('rate:1'), code('rate:2')] }
  const grant = grantFor({ studies: { '30': members }, requested }, on.study('30'))
  const exchange = opener.open({ ...callOf(), ...(left === undefined ? {} : { left: () => left }) })
  return {
    async read(more: Partial<PatientsQuery> = {}) {
      const ids: string[] = []
      const whole: string[] = []
      const patients = members.filter((id) => !id.startsWith('-'))
      const query = { patients, concurrency: 2, signal: new AbortController().signal, ...more }
      for await (const page of exchange.patientsObservations(grant, query)) {
        for (const { patient, observation } of page.observations) {
          expect(observation.subject?.reference).toBe(`Patient/${patient}`)
          ids.push(observation.id ?? '')
        }
        whole.push(...page.whole)
      }
      const asked = server.arrivals
        .splice(0)
        .map(({ url }) => new URL(url, 'http://loopback'))
        .filter(({ pathname }) => pathname.endsWith('/Observation'))
        .map(({ searchParams }) => searchParams)
      return { ids: ids.sort(), whole: whole.sort(), asked }
    },
  }
}

const rates = (rows: readonly Row[]) =>
  rows
    .filter((row) => JSON.stringify(row.code).includes('rate:1'))
    .map(({ id }) => id)
    .sort()

describe('a study of a JupyterHealth Exchange', () => {
  it('is read by its pages, of what it requested alone', async () => {
    const { read } = await studyOn()
    const { ids, whole, asked } = await read()
    expect(ids).toEqual(rates(readingsOf(20)))
    expect(whole).toEqual(enrolled)
    expect(asked).toHaveLength(2)
    expect(asked.map((one) => [one.get(study), one.get('patient')])).toEqual([
      ['30', null],
      ['30', null],
    ])
    expect(asked.map((one) => one.get('_summary'))).toEqual(['count', null])
    expect(asked[1]?.get('_sort')).toBe('date')
  })

  it('is counted first, so that codes that nobody has are not read', async () => {
    const { read } = await studyOn()
    const { ids, asked } = await read({ codes: [code('rate:1'), code('rate:2'), code('sleep:1')] })
    expect(ids).toEqual(rates(readingsOf(20)))
    const codes = asked.map((one) => [one.get('code')?.split('|')[1], one.get('_summary') ?? 'rows'])
    expect(codes).toEqual([
      ['rate:1', 'count'],
      ['rate:2', 'count'],
      ['rate:1', 'rows'],
    ])
    const nothing = await read({ codes: [code('rate:2')] })
    expect(nothing).toMatchObject({ ids: [], whole: enrolled })
    expect(nothing.asked).toHaveLength(1)
  })

  it('is read by its pages where each patient would take several', async () => {
    const { read } = await studyOn({ each: 2500 })
    const { ids, asked } = await read({ codes: [code('rate:1')] })
    expect(ids).toHaveLength(15_000)
    expect(asked).toHaveLength(16)
  })

  it('takes all pages', async () => {
    const { read } = await studyOn({ each: 500 })
    const { ids, asked } = await read({ codes: [code('rate:1')] })
    expect(ids).toHaveLength(3000)
    expect(asked.map((one) => one.get('_page')).sort()).toEqual(['1', '2', '3', null])
  })

  it('is read patient by patient where that is fewer requests, and by the codes alone that somebody has', async () => {
    const { read } = await studyOn({ each: 500 })
    const { ids, whole, asked } = await read({
      patients: ['50', '51'],
      codes: [code('rate:1'), code('rate:2')],
    })
    expect(ids).toHaveLength(500)
    expect(whole).toEqual(['50', '51'])
    expect(asked.map((one) => one.get('patient')).sort()).toEqual([null, null, '50', '51'].sort())
  })

  it('is read patient by patient where its pages would take longer than there is time', async () => {
    const { read } = await studyOn({ each: 900, left: -1 })
    const { ids, whole, asked } = await read({ codes: [code('rate:1')] })
    expect(ids).toHaveLength(5400)
    expect(new Set(ids).size).toBe(5400)
    expect(whole).toEqual(enrolled)
    expect(asked.filter((one) => one.has('patient'))).toHaveLength(12)
  })

  it('gives those who were asked for, and leaves out who is no longer enrolled', async () => {
    const { read } = await studyOn({ members: enrolled.map((id) => (id === '53' ? '-53' : id)) })
    const { ids, whole, asked } = await read({ patients: enrolled.slice(4, 9) })
    expect(ids).toEqual(rates(readingsOf(20).slice(80, 180)))
    expect(whole).toEqual(enrolled.slice(4, 9))
    expect(asked.some((one) => one.has('patient'))).toBe(false)
  })

  it('is read patient by patient where its pages do not add up, nothing twice', async () => {
    let pages = 0
    const total = (all: number) => {
      pages += 1
      return pages === 2 ? all + 1 : all
    }
    const { read } = await studyOn({ faults: { total } })
    const { ids, whole, asked } = await read()
    expect(ids).toEqual(rates(readingsOf(20)))
    expect(whole).toEqual(enrolled)
    expect(asked.filter((one) => one.has('patient'))).toHaveLength(12)
  })

  describe('holds each row against the grant', () => {
    const change = (more: object) => ({
      alters: (row: Row) => (row.id === '1002' ? { ...row, ...more } : row),
    })

    it('takes one of another member (control)', async () => {
      const { read } = await studyOn({ faults: change({ subject: { reference: 'Patient/51' } }) })
      expect((await read()).ids).toHaveLength(120)
    })

    it.each([
      ['a foreign patient', { subject: { reference: 'Patient/44' } }],
      ['nobody', { subject: undefined }],
      ['a type that the study did not request', { code: { coding: [code('sleep:1')] } }],
    ])('refuses one of %s', async (_, more) => {
      const { read } = await studyOn({ faults: change(more) })
      expect(await codeOf(read())).toBe('EXCHANGE_LEAK')
    })

    it('refuses all where the study is ignored', async () => {
      const rows = [...readingsOf(20), reading(900, 44, ['rate:1'], {})]
      const { read } = await studyOn({ rows, faults: { ignores: [study] } })
      expect(await codeOf(read())).toBe('EXCHANGE_LEAK')
    })
  })
})
