import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JupyterHealthCohort, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { gist, type Situation, situationsOf } from './recorded.ts'

/** Types and routes that no tool asks for; and what depends on when the recorded readings were taken. */
const leftOut = /^(practitioner|device|jwks|health|oauth|oidc|smart|api-)/
const dated = /date-(day|range)|sort-date$|page2$|ordering|follow-next|page1$/

describe('what a study requested', () => {
  it('is told to whoever is signed in, and nothing of a study that there is not', async () => {
    const exchange = await startExchange({ dialect: 'jupyterhealth' })
    const ask = async (id: string, name: string) => {
      const token = exchange.cohort.users.find((user) => user.name === name)?.token ?? 'of-nobody'
      const headers = { Authorization: `Bearer ${token}` }
      return fetch(`${exchange.origin}/api/v1/studies/${id}/scope_requests`, { headers })
    }
    for (const name of ['northlake_viewer', 'harbor_member', 'no_org', 'patient01']) {
      expect(await (await ask('30007', name)).json()).toMatchObject([
        {
          study: { id: 30007, patients: expect.arrayContaining([40019]) },
          scopeCode: { codingSystem: 'https://w3id.org/openmhealth', codingCode: 'omh:step-count:3.0' },
        },
        { scopeCode: { codingCode: 'omh:sleep-duration:2.0', text: 'Sleep duration' } },
      ])
    }
    expect(await (await ask('1', 'no_org')).json()).toEqual([])
    expect((await ask('30007', 'nobody')).status).toBe(401)
    await exchange.close()
  })

  it('is what a search by study finds, by the last study that it names', async () => {
    const exchange = await startExchange({ dialect: 'jupyterhealth' })
    const token = exchange.cohort.users.find(({ name }) => name === 'northlake_member')?.token
    const total = async (query: string) => {
      const headers = { Authorization: `Bearer ${token}` }
      const answer = await fetch(`${exchange.url}/Observation?_summary=count&${query}`, { headers })
      return ((await answer.json()) as { total: number }).total
    }
    const study = 'patient._has:Group:member:_id'
    const inSteps = await total(`${study}=30007`)
    const { patients = [] } = exchange.cohort.studies.find(({ id }) => id === 30007) ?? {}
    expect(inSteps).toBe(60 * patients.length)
    expect(await total(`${study}=30006&${study}=30007`)).toBe(inSteps)
    expect(await total(`${study}=30007&patient=40019`)).toBe(60)
    expect(await total('patient=40019')).toBe(200)
    await exchange.close()
  })
})

describe('the JupyterHealth stand-in against recordings of the real server', () => {
  const situations = situationsOf('jupyterhealth-r5')
  let exchange: TestExchange<JupyterHealthCohort>
  beforeAll(async () => {
    exchange = await startExchange({ dialect: 'jupyterhealth' })
  })
  afterAll(() => exchange.close())

  async function ask({ request }: Situation) {
    const token = exchange.cohort.users.find(({ name }) => name === request.as)?.token ?? 'of-nobody'
    const response = await fetch(`${exchange.origin}${request.path}`, {
      method: request.method,
      redirect: 'manual',
      headers: request.as === null || request.as === undefined ? {} : { Authorization: `Bearer ${token}` },
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(text) as unknown) : text,
    }
  }

  const fhir = situations.filter(({ name }) => !leftOut.test(name))
  it.each(fhir.map((one) => [one.name, one] as const))(
    'answers %s with the recorded status and total',
    async (name, situation) => {
      const { status, body } = await ask(situation)
      const { path } = situation.request
      const recorded = gist(path, situation.response.status, situation.response.body)
      const ours = gist(path, status, body)
      if (dated.test(name)) expect(ours.status).toBe(recorded.status)
      else expect(ours).toEqual(recorded)
    },
  )

  const api = situations.filter(
    ({ name }) => /^(api-|userinfo)/.test(name) && name !== 'api-organizations-list',
  )
  it.each(api.map((one) => [one.name, one] as const))('answers %s as recorded', async (_, situation) => {
    const { status, body } = await ask(situation)
    expect(status).toBe(situation.response.status)
    if (status === 200) expect(told(body)).toEqual(told(situation.response.body))
  })

  it('lists every organization of the exchange with the role of the caller', async () => {
    const list = situations.find(({ name }) => name === 'api-organizations-list')
    if (list === undefined) throw new Error('the recording is missing')
    const withRole = (body: unknown) =>
      (body as { results: { id: number; currentUserRole: string | null }[] }).results.filter(
        ({ currentUserRole }) => currentUserRole !== null,
      )
    const { body } = await ask(list)
    expect(withRole(body)).toEqual(withRole(list.response.body))
  })

  it('says so with a challenge under its own API, and without one under FHIR', async () => {
    const api = await fetch(`${exchange.origin}/api/v1/studies`)
    const fhir = await fetch(`${exchange.url}/Patient`)
    expect(api.headers.get('www-authenticate')).toContain('Bearer')
    expect(fhir.headers.get('www-authenticate')).toBeNull()
  })

  it('ignores the body of a POST to _search', async () => {
    const token = exchange.cohort.users.find(({ name }) => name === 'northlake_member')?.token
    const response = await fetch(`${exchange.url}/Observation/_search`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: new URLSearchParams({ patient: '40006', _summary: 'count' }),
    })
    expect(await response.json()).toMatchObject({ total: 3800 })
  })

  it('shows a superuser every organization and nothing through FHIR', async () => {
    const token = exchange.cohort.users.find(({ superuser }) => superuser)?.token
    const headers = { Authorization: `Bearer ${token}` }
    const list = await fetch(`${exchange.origin}/api/v1/organizations?page_size=2`, { headers })
    expect(await list.json()).toMatchObject({
      count: 4,
      next: expect.stringContaining('page=2'),
      results: [{ currentUserRole: 'super_user' }, { currentUserRole: 'super_user' }],
    })
    const patients = await fetch(`${exchange.url}/Patient`, { headers })
    expect(await patients.json()).toMatchObject({ total: 0 })
  })

  it('shows a patient itself, and no studies', async () => {
    const token = exchange.cohort.users.find(({ patient }) => patient === 40006)?.token
    const headers = { Authorization: `Bearer ${token}` }
    const patients = await fetch(`${exchange.url}/Patient`, { headers })
    expect(await patients.json()).toMatchObject({ total: 1, entry: [{ resource: { id: '40006' } }] })
    const studies = await fetch(`${exchange.origin}/api/v1/studies`, { headers })
    expect(studies.status).toBe(404)
  })

  it.each([
    'patient=40006',
    'patient=40007',
    'patient=0',
    'patient=nobody',
    'patient.organization=0',
    'patient.organization=20010',
    'patient._has:Group:member:_id=0',
    'patient._has:Group:member:_id=30007',
  ])('ignores %s of a patient user: everything is their own', async (filter) => {
    const search = searchAs(exchange, 'patient01')
    expect(await search(`Observation?${filter}&_summary=count`)).toMatchObject({ total: 1200 })
    expect(await search(`Patient?${filter}`)).toMatchObject({
      total: 1,
      entry: [{ resource: { id: '40006' } }],
    })
  })

  it('asks no identifier of a patient user, and honours codes, dates and ids', async () => {
    const search = searchAs(exchange, 'patient01')
    expect(await search('Patient?identifier=|NL-1001')).toMatchObject({ total: 1 })
    expect(await search('Patient?_id=40007')).toMatchObject({ total: 0 })
    expect(await search('Observation?code=urn:none|none')).toMatchObject({ total: 0 })
    expect(await search('Observation?date=ge9998-12-31')).toMatchObject({ total: 0 })
    expect(await search('Group')).toMatchObject({ total: 1, entry: [{ resource: { id: '30006' } }] })
  })

  describe('records that were imported', () => {
    const below = '_source:below=https://jupyterhealth.org/fhir/fhir-source'
    const observed = '0c9d8e7f-1111-4222-8333-000000000001'
    const condition = '0c9d8e7f-1111-4222-8333-000000000002'
    let served: TestExchange<JupyterHealthCohort>
    beforeAll(async () => {
      served = await startExchange({ dialect: 'jupyterhealth' })
      const subject = { reference: 'Patient/ePt1' }
      const heartRate = { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }
      served.cohort.imports.push(
        {
          id: observed,
          source: 7,
          patient: 40007,
          type: 'Observation',
          body: { status: 'final', code: heartRate, subject, effectiveDateTime: '2026-10-01T23:30:00-05:00' },
        },
        {
          id: condition,
          source: 8,
          patient: 40007,
          type: 'Condition',
          body: {
            subject,
            code: { text: 'Asthma', coding: [{ system: 'http://snomed.info/sct', code: '195967001' }] },
            clinicalStatus: { coding: [{ code: 'active' }] },
          },
        },
      )
    })
    afterAll(() => served.close())

    it('lists 26 types', async () => {
      const { rest } = (await (await fetch(`${served.url}/metadata`)).json()) as {
        rest: { resource: { type: string; searchParam: { name: string }[] }[] }[]
      }
      const recorded = situations.find(({ name }) => name === 'metadata')?.response.body as {
        rest: { resource: { type: string; searchParam: { name: string }[] }[] }[]
      }
      const told = (statement: typeof recorded) =>
        statement.rest[0]?.resource.map(({ type, searchParam }) => [
          type,
          searchParam.map(({ name }) => name),
        ])
      expect(told({ rest })).toHaveLength(26)
      expect(told({ rest })).toEqual(told(recorded))
    })

    it('come with the patient in an extension, and with their source', async () => {
      const search = searchAs(served, 'northlake_member')
      expect(await search('Condition?patient=40007')).toMatchObject({
        total: 1,
        entry: [
          {
            resource: {
              resourceType: 'Condition',
              id: condition,
              subject: { reference: 'Patient/ePt1' },
              meta: { source: 'https://jupyterhealth.org/fhir/fhir-source/8' },
              extension: [
                {
                  url: 'https://jupyterhealth.org/fhir/StructureDefinition/patient-id',
                  valueInteger: 40007,
                },
                {
                  url: 'https://jupyterhealth.org/fhir/StructureDefinition/patient-full-name',
                  valueString: 'Teodor Alderbrook',
                },
              ],
            },
          },
        ],
      })
      expect(await search(`Condition/${condition}`)).toMatchObject({ id: condition })
    })

    it.each([
      ['Observation?patient=40007', 200],
      [`Observation?patient=40007&${below}`, 1],
      [`Observation?patient=40007&${below}/`, 1],
      ['Observation?patient=40007&_source=https://jupyterhealth.org/fhir/fhir-source/7', 1],
      ['Observation?patient=40007&_source=https://jupyterhealth.org/fhir/fhir-source/8', 0],
      ['Observation?patient=40007&_source=https://jupyterhealth.org/jhe', 200],
      ['Observation?patient=40007&_source:below=https://jupyterhealth.org/other', 0],
      [`Observation?patient=40007&${below}&code=http://loinc.org|8867-4`, 0],
      [`Observation?patient=40007&${below}&status=final`, 1],
      [`Observation?patient=40007&${below}&status=entered-in-error`, 0],
      // 2026-10-02 in UTC, but dates are compared as text.
      [`Observation?patient=40007&${below}&date=ge2026-10-02`, 0],
      [`Observation?patient=40007&${below}&date=ge2026-10-01&date=lt2026-10-02`, 1],
      [`Observation?patient._has:Group:member:_id=30006&${below}`, 1],
      [`Observation?patient._has:Group:member:_id=30007&${below}`, 0],
      [`Observation?patient.organization=20009&${below}`, 1],
      ['Condition?patient=40007&clinical-status=active&code=195967001', 1],
      ['Condition?patient=40007&code=http://loinc.org|195967001', 0],
      [`Condition?patient=40007&_id=${condition}`, 1],
      ['Condition?patient=40007&_id=40007', 0],
      ['Condition?patient=40006', 0],
    ])('answers %s with %i', async (path, total) => {
      expect(await searchAs(served, 'northlake_member')(path)).toMatchObject({ total })
    })

    it('are refused of a patient out of reach', async () => {
      const search = searchAs(served, 'harbor_member')
      expect(await search('Condition?patient=40007')).toMatchObject({ resourceType: 'OperationOutcome' })
      expect(await search(`Observation?patient=40007&${below}`)).toMatchObject({
        resourceType: 'OperationOutcome',
      })
      expect(await search(`Condition/${condition}`)).toMatchObject({ resourceType: 'OperationOutcome' })
      expect(await search('Condition')).toMatchObject({ total: 0 })
      expect(await searchAs(served, 'patient01')('Condition?patient=40007')).toMatchObject({ total: 0 })
    })
  })

  it('pages by its own links', async () => {
    const token = exchange.cohort.users.find(({ name }) => name === 'northlake_member')?.token
    const headers = { Authorization: `Bearer ${token}` }
    let url: string | undefined = `${exchange.url}/Patient?_count=4&_sort=date`
    const ids: string[] = []
    while (url !== undefined) {
      const body = (await (await fetch(url, { headers })).json()) as {
        entry: { resource: { id: string } }[]
        link: { relation: string; url: string }[]
      }
      ids.push(...body.entry.map(({ resource }) => resource.id))
      url = body.link.find(({ relation }) => relation === 'next')?.url
    }
    expect(new Set(ids).size).toBe(14)
  })

  it('finds undated observations by no date, and sorts them last both ways', async () => {
    const observations = exchange.cohort.observations.filter(({ patient }) => patient === 40007)
    const [undated] = observations
    if (undated === undefined) throw new Error('the cohort has no such patient')
    const { effective: _, ...bulk } = undated
    const cohort = { ...exchange.cohort, observations: [...observations.slice(1), bulk] }
    const other = await startExchange({
      dialect: 'jupyterhealth',
      cohort,
      authorize: (token) => (token === 'mine' ? 'northlake_member' : undefined),
    })
    const search = async (query: string) => {
      const url = `${other.url}/Observation?patient=40007&_count=200&${query}`
      const response = await fetch(url, { headers: { Authorization: 'Bearer mine' } })
      return (await response.json()) as { total: number; entry: { resource: { id: string } }[] }
    }
    expect((await search('date=ge1900-01-01')).total).toBe(199)
    expect((await search('date=gt2026-01-01T00:00:00Z&date=lt2030-01-01&date=le2030-01-01')).total).toBe(199)
    for (const sort of ['date', '-date']) {
      expect((await search(`_sort=${sort}`)).entry.at(-1)?.resource.id).toBe(String(undated.id))
    }
    await other.close()
  })

  it('refuses dates and pages that do not exist', async () => {
    const token = exchange.cohort.users.find(({ name }) => name === 'northlake_member')?.token
    const headers = { Authorization: `Bearer ${token}` }
    const status = async (path: string) => (await fetch(`${exchange.origin}${path}`, { headers })).status
    expect(await status('/FHIR/R5/Observation?date=2026-02-31T99:00:00Z')).toBe(422)
    expect(await status('/api/v1/studies?page=9')).toBe(404)
    expect(await status('/api/v1/organizations/1')).toBe(404)
    expect(await status('/api/v1/patients/40006')).toBe(404)
    expect(await status('/api/v1/studies/30006/patients')).toBe(404)
    expect(await status('/elsewhere')).toBe(404)
  })
})

function searchAs(exchange: TestExchange<JupyterHealthCohort>, name: string) {
  const token = exchange.cohort.users.find((user) => user.name === name)?.token
  return async (path: string): Promise<unknown> => {
    const response = await fetch(`${exchange.url}/${path}`, { headers: { Authorization: `Bearer ${token}` } })
    return response.json()
  }
}

/** The part of an API answer that does not name people of the recorded server. */
function told(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('firstName' in body)) return body
  return { ...body, firstName: '', lastName: '' }
}
