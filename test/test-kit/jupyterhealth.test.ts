import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JupyterHealthCohort, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { gist, type Situation, situationsOf } from './recorded.ts'

/** Types and routes that no tool asks for; and what depends on when the recorded readings were taken. */
const leftOut = /^(practitioner|device|jwks|health|oauth|oidc|smart|api-)/
const dated = /date-(day|range)|sort-date$|page2$|ordering|follow-next|page1$/

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

/** The part of an API answer that does not name people of the recorded server. */
function told(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('firstName' in body)) return body
  return { ...body, firstName: '', lastName: '' }
}
