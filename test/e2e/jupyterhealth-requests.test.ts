import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stopClock } from '../attacks/clock.ts'
import type { TestClient } from './clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { matches, totalOf, valuesOf } from './scenarios.ts'

const patient = { patient_id: '40007' }
const pressures = { ...patient, data_type: 'blood-pressure' }
const listPath = '/api/v1/data_sources/all_scopes'

describe('what a JupyterHealth Exchange is asked for a call', () => {
  let clock: ReturnType<typeof stopClock>
  let site: JupyterHealthSite
  let client: TestClient
  beforeEach(async () => {
    clock = stopClock()
    site = await openJupyterHealth()
    client = await site.as('northlake_member')
  })
  afterEach(async () => {
    await site.close()
    clock.release()
  })

  async function call(tool: string, given: Record<string, unknown>, by = client) {
    const before = site.exchange.requests.length
    const called = await by.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    const asked = site.exchange.requests.slice(before).map(({ path }) => decodeURIComponent(path))
    return { called, asked, codes: asked.flatMap((path) => /code=[^|]*\|([^&]*)/.exec(path)?.[1] ?? []) }
  }
  const list = async (given: Record<string, unknown> = pressures, by = client) => {
    const { called, ...rest } = await call('get_patient_observations', { ...given, limit: 20 }, by)
    return { ...rest, total: totalOf(called), shown: matches(called, 'Observation').length }
  }
  /** A reading of a version that nobody had before. */
  const addReading = (code = 'omh:blood-pressure:3.0', day = '10') => {
    const { observations } = site.exchange.cohort
    const like = observations.find((one) => one.patient === 40007 && one.code.includes('blood-pressure'))
    if (like === undefined) throw new Error('the cohort has no blood pressure')
    const effective = `2026-11-${day}T12:00:00Z`
    observations.push({ ...like, id: 900_000 + Number(day), code, effective })
  }

  it('is one search for each code that it has, its list of codes, and what was imported', async () => {
    // The first call reads rosters, and waits for the list of codes.
    expect((await list()).asked).toContain(listPath)
    const again = await list()
    expect(again).toMatchObject({ total: 30, shown: 20, codes: ['omh:blood-pressure:4.0'] })
    expect(again.asked).toHaveLength(3)
    expect(again.asked.filter((path) => path === listPath)).toHaveLength(1)

    await call('count_patient_observations', pressures)
    const counted = await call('count_patient_observations', pressures)
    expect(valuesOf(counted.called)).toMatchObject({ count: 30, exact: true })
    expect(counted.asked).toHaveLength(3)
    expect(counted.codes).toEqual(['omh:blood-pressure:4.0'])
  })

  it('is no list of codes where no type is asked for, or one of few codes', async () => {
    for (const given of [patient, { ...patient, data_type: 'sleep-duration' }]) {
      await list(given)
      const { asked } = await list(given)
      expect(asked).not.toContain(listPath)
      expect(asked).toHaveLength(given === patient ? 2 : 3)
    }
  })

  it('is both ends, what has a date and what was imported for a date range, each once', async () => {
    for (const given of [patient, pressures]) {
      await call('get_patient_date_range', given)
      const { called, asked } = await call('get_patient_date_range', given)
      const searches = asked.map((path) => path.replace(/^.*Observation\?/, '').replace(/code=[^&]*&/, ''))
      expect(searches.toSorted()).toEqual([
        ...(given === patient ? [] : [listPath]),
        'patient=40007&_sort=-date&_count=20&_page=1',
        'patient=40007&_sort=date&_count=20&_page=1',
        'patient=40007&_source:below=https://jupyterhealth.org/fhir/fhir-source&_sort=_lastUpdated&_count=1000&_page=1',
        'patient=40007&date=ge1000-01-01&_summary=count',
      ])
      expect(valuesOf(called)).toMatchObject({ count: given === patient ? 200 : 30, undated: 0 })
    }
  })

  it('is a number of its own where the page of the same search does not come, or is not whole', async () => {
    await call('get_patient_date_range', patient)
    const informed = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'warning', code: 'incomplete' }],
    }
    const incomplete = (body: unknown) => {
      const { entry = [], ...bundle } = body as { entry?: unknown[] }
      return { ...bundle, total: 7, entry: [...entry.slice(0, 7), { resource: informed }] }
    }
    site.exchange.misbehave(({ path }) =>
      path.includes('_sort=date') || path.includes('_sort=-date')
        ? { kind: 'rewrite', change: incomplete }
        : undefined,
    )
    const { called, asked } = await call('get_patient_date_range', patient)
    expect(valuesOf(called).count).toBe(200)
    expect(asked.filter((path) => path.endsWith('patient=40007&_summary=count'))).toHaveLength(1)
  })

  it('is the organizations for a search of patients by name, and the studies where somebody is in none', async () => {
    const search = async (given: Record<string, unknown>) => {
      const { called, asked } = await call('search_patients', { limit: 50, ...given })
      const places = asked.map((path) => /patient[._](?:has.*_id|_has.*_id|organization)=\d+/.exec(path)?.[0])
      return { found: matches(called, 'Patient').length, places: places.toSorted() }
    }
    const [organization, study, other] = [
      'patient.organization=20009',
      'patient._has:Group:member:_id=30006',
      'patient._has:Group:member:_id=30007',
    ]
    const all = await search({ name: 'Fern' })
    const again = await search({ name: 'Fern' })
    expect(all.found).toBeGreaterThan(0)
    expect(again).toEqual({ found: all.found, places: [organization] })
    // The exchange looks at a birth date, so that nobody can be said to be missing.
    expect((await search({ birthdate: 'ge1900-01-01' })).places).toEqual([study, other, organization])

    // Since the roster was read the patient has left the organization.
    const { patients } = site.exchange.cohort
    const at = patients.findIndex(({ family }) => family === 'Fernwick')
    const fernwick = patients[at]
    if (fernwick === undefined) throw new Error('nobody is called Fernwick')
    patients[at] = { ...fernwick, organizations: [20010] }
    const { places } = await search({ name: 'Fernwick' })
    expect(places).toEqual([study, other, organization])
  })

  it('is each caller’s own, also where two ask the same at once', async () => {
    const other = await site.as('northlake_viewer')
    for (const by of [client, other]) await call('get_patient_date_range', pressures, by)
    const before = site.exchange.requests.length
    await Promise.all([client, other].map((by) => by.call('get_patient_date_range', pressures)))
    const askers = site.exchange.requests.slice(before).map(({ headers }) => headers.authorization)
    expect(askers).toHaveLength(10)
    expect(new Set(askers).size).toBe(2)
    for (const asker of new Set(askers)) expect(askers.filter((one) => one === asker)).toHaveLength(5)
  })

  it('is every code for a caller who gets no list, whatever another one was told', async () => {
    await list()
    const other = await site.as('northlake_viewer')
    const { token } = site.exchange.cohort.users.find(({ name }) => name === 'northlake_viewer') ?? {}
    site.exchange.misbehave(({ path, headers }) =>
      path === listPath && headers.authorization === `Bearer ${token}`
        ? { kind: 'status', status: 403 }
        : undefined,
    )
    expect((await list(pressures, other)).codes).toHaveLength(5)
    expect((await list()).codes).toHaveLength(1)
  })

  describe('where a reading has a code that the exchange did not have', () => {
    it('has it in the next answer, whatever the list said before', async () => {
      await list()
      await call('count_patient_observations', pressures)
      addReading()
      const both = ['omh:blood-pressure:3.0', 'omh:blood-pressure:4.0']
      const listed = await list()
      expect(listed.total).toBe(31)
      expect([...new Set(listed.codes)].toSorted()).toEqual(both)
      addReading('omh:blood-pressure:1.0', '11')
      expect(valuesOf((await call('count_patient_observations', pressures)).called).count).toBe(32)
      addReading('omh:blood-pressure:2.0', '12')
      expect(valuesOf((await call('get_patient_date_range', pressures)).called).count).toBe(33)
      addReading('omh:blood-pressure:3.1', '13')
      const summary = await call('summarize_patient_observations', pressures)
      expect(summary.called.text).toContain('34')
    })

    /** A list that has no code of this kind, though an observation has. */
    const hide = (kind: string) =>
      site.exchange.misbehave(({ path }) =>
        path === listPath
          ? {
              kind: 'rewrite',
              change: (body) =>
                (body as { codingCode: string }[]).filter(({ codingCode }) => !codingCode.includes(kind)),
            }
          : undefined,
      )

    it('uses no list that an observation contradicted', async () => {
      hide('pressure:3.0')
      addReading('omh:blood-pressure:3.0', '22')
      expect((await list()).total).toBe(30)
      expect((await list(patient)).total).toBe(201)
      const { total, asked } = await list()
      expect(total).toBe(31)
      expect(asked).not.toContain(listPath)
    })

    it('never says by the list alone that there is nothing', async () => {
      hide('body-height')
      const heights = { ...patient, data_type: 'body-height' }
      for (const total of [0, 0]) {
        const { codes, ...rest } = await list(heights)
        expect(rest.total).toBe(total)
        expect(codes).toHaveLength(3)
      }
      addReading('omh:body-height:1.0')
      expect((await list(heights)).total).toBe(1)
    })
  })

  it.each([
    ['refuses its list', { kind: 'status', status: 403 }],
    ['has no list', { kind: 'status', status: 404 }],
    ['has one of another shape', { kind: 'rewrite', change: (body: unknown) => ({ results: body }) }],
    ['has rows without a code', { kind: 'rewrite', change: (body: unknown[]) => [...body, { id: 1 }] }],
    ['has an empty one', { kind: 'rewrite', change: () => [] }],
    ['has a page in its place', { kind: 'html' }],
  ] as const)('is every code where it %s', async (_, fault) => {
    site.exchange.misbehave(({ path }) => (path === listPath ? (fault as never) : undefined))
    for (const lists of [1, 0]) {
      const { asked, codes, total } = await list()
      expect(codes.toSorted()).toEqual(
        ['1.0', '2.0', '3.0', '3.1', '4.0'].map((version) => `omh:blood-pressure:${version}`),
      )
      expect(total).toBe(30)
      expect(asked.filter((path) => path === listPath)).toHaveLength(lists)
    }
  })
})
