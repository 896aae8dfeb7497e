import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JupyterHealthImport } from '../../src/test-kit/index.ts'
import { imported } from '../exchange/jupyterhealth-imports.ts'
import type { Called, TestClient } from './clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { cursorOf, matches, totalOf, valuesOf } from './scenarios.ts'

const heartRate = { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] }
const perMinute = { system: 'http://unitsofmeasure.org', code: '/min', unit: '/min' }
const day = (n: number) => String(n).padStart(2, '0')
const beat = (n: number, effective: object, rest: object = {}, of: Partial<JupyterHealthImport> = {}) =>
  imported(
    n,
    'Observation',
    {
      status: 'final',
      code: heartRate,
      valueQuantity: { ...perMinute, value: 100 + n },
      ...effective,
      ...rest,
    },
    of,
  )

/** Twelve at 23:30 in UTC-5, which is the day after; one by mistake, one undated, one of a period, and others' . */
const imports: readonly JupyterHealthImport[] = [
  ...Array.from({ length: 12 }, (_, n) =>
    beat(n + 1, { effectiveDateTime: `2026-10-${day(n + 1)}T23:30:00-05:00` }),
  ),
  beat(20, { effectiveDateTime: '2026-10-05T12:00:00Z' }, { status: 'entered-in-error' }),
  beat(21, {}),
  beat(22, { effectivePeriod: { start: '2026-10-03' } }, {}, { source: 8 }),
  beat(23, { effectiveDateTime: '2026-10-05T12:00:00Z' }, { code: { text: 'something else' } }),
  beat(30, { effectiveDateTime: '2026-10-05T12:00:00Z' }, {}, { patient: 40008 }),
  beat(31, { effectiveDateTime: '2026-10-05T12:00:00Z' }, {}, { patient: 40006 }),
]
const patient = { patient_id: '40007' }
const study = { study_id: '30006' }

describe('observations that a JupyterHealth Exchange imported', () => {
  let site: JupyterHealthSite
  let client: TestClient
  beforeEach(async () => {
    site = await openJupyterHealth()
    site.exchange.cohort.imports.push(...imports)
    client = await site.as('northlake_member')
  })
  afterEach(() => site.close())

  async function call(tool: string, given: Record<string, unknown>) {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    return called
  }

  const count = async (given: Record<string, unknown>) =>
    valuesOf(await call('count_patient_observations', { ...patient, ...given }))

  it('are counted, by type and by time', async () => {
    expect(await count({})).toMatchObject({ count: 215, excluded: 1, imported: 15, exact: true })
    expect(await count({ data_type: 'heart-rate' })).toMatchObject({ count: 74, excluded: 1, imported: 14 })
    // Not by the text of its date, as the exchange compares: 23:30 in UTC-5 on the 4th.
    const fifth = { data_type: 'heart-rate', start: '2026-10-05', end: '2026-10-05' }
    expect(await count(fifth)).toMatchObject({ count: 2, excluded: 1, imported: 1 })
    const local = { ...fifth, time_zone: 'America/New_York' }
    expect(await count(local)).toMatchObject({ count: 2, excluded: 1, imported: 1 })
    expect((await call('count_patient_observations', patient)).text).toContain(
      '215 (1 entered in error or cancelled are not counted), of these 15 imported, exact',
    )
    // Heart rates are 8867-4 there, and no code goes along with the search for them.
    const asked = site.exchange.requests.map(({ path }) => decodeURIComponent(path))
    const below = asked.filter((path) => path.includes('_source:below='))
    expect(below.length).toBeGreaterThan(0)
    expect(below.filter((path) => path.includes('code='))).toEqual([])
  })

  it('are listed among the others in the order of time, each once, and marked', async () => {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page: Called = await call('get_patient_observations', {
        ...patient,
        data_type: 'heart-rate',
        limit: 9,
        ...(cursor === undefined ? {} : { cursor }),
      })
      // Of several codes the first page alone knows how many there are.
      if (cursor === undefined) expect(totalOf(page)).toBe(75)
      for (const id of matches(page, 'Observation')) seen.push(id ?? '')
      cursor = cursorOf(page)
    } while (cursor !== undefined)
    expect(new Set(seen).size).toBe(75)
    expect(seen).toHaveLength(75)
    const table = await call('get_patient_observations', {
      ...patient,
      data_type: 'heart-rate',
      limit: 100,
      format: 'table',
      order: 'oldest',
    })
    const { columns, rows } = table.structured as { columns: string[]; rows: (string | null)[][] }
    const times = rows.map((row) => row[columns.indexOf('time')] ?? null)
    const dated = times.flatMap((time) => time ?? [])
    expect(dated).toHaveLength(74)
    expect(dated.map((time) => Date.parse(time))).toEqual(
      dated.map((time) => Date.parse(time)).sort((a, b) => a - b),
    )
    expect(times.at(-1)).toBeNull()
    const from = rows.map((row) => row[columns.indexOf('imported_from')])
    expect(from.filter((source) => source?.endsWith('/fhir-source/7'))).toHaveLength(14)
    expect(from.filter((source) => source?.endsWith('/fhir-source/8'))).toHaveLength(1)
    expect(from.filter((source) => source === null)).toHaveLength(60)
  })

  it('say where they are from, whose they are, and nothing that the exchange stamps', async () => {
    const given = { ...patient, start: '2026-10-02', end: '2026-10-02', data_type: 'heart-rate' }
    for (const format of ['fhir', 'fhir_full']) {
      const listed = await call('get_patient_observations', { ...given, format })
      expect(listed.text).toMatch(
        /2026-10-02T04:30:00Z \| heart-rate 8867-4 \| 101 \/min; imported \| 0c9d8e7f/,
      )
      expect(listed.text).toContain('meta.source of an observation says from which')
      const { entry } = listed.structured as { entry: { resource: Record<string, unknown> }[] }
      const [found] = entry.filter(({ resource }) => String(resource.id).startsWith('0c9d8e7f'))
      expect(found?.resource).toMatchObject({
        subject: { reference: 'Patient/40007' },
        meta: { source: 'https://jupyterhealth.org/fhir/fhir-source/7' },
      })
      expect(JSON.stringify(listed)).not.toMatch(/patient-full-name|Alderbrook|ePt1/)
    }
  })

  it('are summarised and drawn, and in the date range', async () => {
    const summary = await call('summarize_patient_observations', { ...patient, data_type: 'heart-rate' })
    expect(valuesOf(summary)).toMatchObject({ observations: 75, imported: 15, complete: true })
    expect(summary.text).toContain('75 observations read, of these 15 imported')
    expect(summary.text).toMatch(/heart-rate \| \/min \| n 74 .* max 122 /)
    const charted = await call('chart_patient_observations', { ...patient, data_types: ['heart-rate'] })
    expect(valuesOf(charted)).toMatchObject({ observations: 75, imported: 15 })
    site.exchange.cohort.imports.push(beat(40, { effectiveDateTime: '2027-01-01T00:00:00Z' }))
    expect(valuesOf(await call('get_patient_date_range', patient))).toMatchObject({
      last: '2027-01-01T00:00:00Z',
      count: 216,
      imported: 16,
      undated: 1,
    })
  })

  it('are left out of everything about a study, which says so', async () => {
    const said = 'Observations that the exchange imported from other FHIR servers are left out'
    const together = await call('count_study_observations', study)
    expect(valuesOf(together)).toMatchObject({ count: 3200 })
    expect(together.text).toContain(said)
    const each = await call('count_study_observations', { ...study, by_patient: true })
    expect(each.text).toContain(said)
    const summary = await call('summarize_study_observations', { ...study, data_type: 'heart-rate' })
    expect(summary.text).toContain(said)
    expect(valuesOf(summary)).toMatchObject({ observations: 1660 })
    const within = { ...patient, ...study }
    for (const [tool, given] of [
      ['count_patient_observations', within],
      ['get_patient_observations', within],
      ['get_patient_date_range', within],
      ['summarize_patient_observations', within],
      ['chart_patient_observations', { ...within, data_types: ['heart-rate'] }],
    ] as const) {
      const called = await call(tool, given)
      expect(called.text).toContain(said)
      expect(called.text).not.toContain('imported |')
    }
    expect(valuesOf(await call('count_patient_observations', within))).toMatchObject({ count: 200 })
    expect(site.exchange.requests.filter(({ path }) => path.includes('_source'))).toEqual([])
  })

  it('are left out where nothing of that kind was imported too, and not mentioned by an organization', async () => {
    site.exchange.cohort.imports.length = 0
    const counted = await call('count_patient_observations', patient)
    expect(counted.text).not.toContain('import')
    expect(valuesOf(counted)).not.toHaveProperty('imported')
  })

  it('are a patient user’s own', async () => {
    const own = await site.as('patient01')
    const counted = await own.call('count_patient_observations', { patient_id: '40006' })
    expect(valuesOf(counted)).toMatchObject({ count: 1201, imported: 1 })
    const listed = await own.call('get_patient_observations', {
      patient_id: '40006',
      start: '2026-10-05T12:00:00Z',
      end: '2026-10-05T12:00:00Z',
    })
    expect(totalOf(listed)).toBe(1)
  })

  it('are none where the exchange ignores the search for them', async () => {
    site.exchange.misbehave(() => ({ kind: 'ignore', parameters: ['_source:below'] }))
    expect(await count({})).toEqual(expect.objectContaining({ count: 200, excluded: 0 }))
    expect(totalOf(await call('get_patient_observations', patient))).toBe(200)
  })

  it('are refused where the search for them answers what was not imported', async () => {
    site.exchange.misbehave((request) =>
      decodeURIComponent(request.path).includes('_source:below=https://jupyterhealth.org/fhir/') &&
      !request.path.includes('_summary')
        ? { kind: 'ignore', parameters: ['_source:below'] }
        : undefined,
    )
    for (const tool of ['count_patient_observations', 'get_patient_observations']) {
      const called = await client.call(tool, patient)
      expect(called.text).toContain('FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE')
    }
  })

  it('are held against their patient', async () => {
    site.exchange.misbehave((request) =>
      request.path.includes('_source') ? { kind: 'ignore', parameters: ['patient'] } : undefined,
    )
    for (const tool of ['count_patient_observations', 'get_patient_observations']) {
      expect((await client.call(tool, patient)).text).toContain('FHIR_MCP_EXCHANGE_LEAK')
    }
  })

  it('are not counted, and left out of a list that says so, where there are too many', async () => {
    site.exchange.misbehave((request) =>
      request.path.includes('_source') && request.path.includes('fhir-source')
        ? { kind: 'total', total: 10_001 }
        : undefined,
    )
    const counted = await client.call('count_patient_observations', patient)
    expect(counted.text).toContain('FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE')
    expect(counted.text).toContain('More than 10000 observations of this patient were imported')
    const listed = await call('get_patient_observations', { ...patient, limit: 5 })
    expect(matches(listed, 'Observation')).toHaveLength(5)
    expect(totalOf(listed)).toBeUndefined()
    expect(listed.text).toContain('PARTIAL: more observations of the patient were imported than can be read')
    const next = await call('get_patient_observations', { ...patient, limit: 5, cursor: cursorOf(listed) })
    expect(matches(next, 'Observation')).toHaveLength(5)
  })

  it('may be incomplete, which a list says and a count refuses', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'incomplete' }] }
    site.exchange.misbehave((request) =>
      request.path.includes('_source') && request.path.includes('fhir-source')
        ? {
            kind: 'rewrite',
            change: (body) => {
              const bundle = body as { entry: unknown[] }
              return { ...bundle, entry: [...bundle.entry, { resource: outcome }] }
            },
          }
        : undefined,
    )
    expect((await client.call('count_patient_observations', patient)).text).toContain(
      'FHIR_MCP_EXCHANGE_REJECTED',
    )
    const listed = await call('get_patient_observations', patient)
    expect(listed.text).toContain('PARTIAL')
    expect(totalOf(listed)).toBeUndefined()
    expect((await call('get_patient_date_range', patient)).text).toContain('number: not known')
  })
})
