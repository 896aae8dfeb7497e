import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { type Fault, startExchange, syntheticCohort, type TestExchange } from '../../src/test-kit/index.ts'

interface Page {
  readonly total?: number
  readonly entry?: readonly { readonly resource: AnyResource }[]
  readonly link: readonly { readonly relation: string; readonly url: string }[]
}

let time = Date.UTC(2026, 10, 23)
let exchange: TestExchange<AnyResource[]>

beforeEach(async () => {
  time = Date.UTC(2026, 10, 23)
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', now: () => time })
})
afterEach(() => exchange.close())

async function page(path: string, init: RequestInit = {}): Promise<Page> {
  const response = await fetch(path.startsWith('http') ? path : `${exchange.url}${path}`, init)
  return (await response.json()) as Page
}

async function ids(path: string, init: RequestInit = {}): Promise<(string | undefined)[]> {
  return ((await page(path, init)).entry ?? []).map(({ resource }) => resource.id)
}

async function diagnostics(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${exchange.url}${path}`)
  return { status: response.status, text: await response.text() }
}

function deferred() {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const fresh = { headers: { 'Cache-Control': 'no-cache' } }

describe('the record of what arrived', () => {
  it('keeps method, path, body and whether an authorization came, and counts', async () => {
    await fetch(`${exchange.url}/Patient/pat-1?_elements=id`, { headers: { Authorization: 'Bearer secret' } })
    await fetch(`${exchange.url}/Patient/_search`, {
      method: 'POST',
      body: new URLSearchParams({ _id: 'pat-1' }),
    })
    expect(exchange.count).toBe(2)
    expect(exchange.requests[0]).toMatchObject({
      method: 'GET',
      path: '/fhir/Patient/pat-1?_elements=id',
      authorized: true,
      aborted: false,
    })
    expect(exchange.requests[1]).toMatchObject({ method: 'POST', body: '_id=pat-1', authorized: false })
    exchange.reset()
    expect(exchange.count).toBe(0)
  })

  it('tells that a client went away before it had its answer', async () => {
    const arrived = deferred()
    exchange.misbehave(() => {
      arrived.resolve()
      return { kind: 'hold', until: new Promise(() => undefined) }
    })
    const controller = new AbortController()
    const answer = fetch(`${exchange.url}/Patient/pat-1`, { signal: controller.signal })
    await arrived.promise
    controller.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(() => exchange.requests[0]?.aborted).toBe(true)
  })
})

describe('searching', () => {
  it('finds the same by POST _search and in gzip', async () => {
    const body = new URLSearchParams({ patient: 'pat-4,Patient/pat-5', _count: '500' })
    const response = await fetch(`${exchange.url}/Observation/_search`, { method: 'POST', body })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.json()).toMatchObject({ total: 206 })
  })

  it.each([
    ['/Patient?name=etienne', ['pat-4', 'pat-16']],
    ['/Patient?name:contains=alvo', ['pat-1', 'pat-15']],
    ['/Patient?name:exact=Halvorsen', ['pat-1', 'pat-15']],
    ['/Patient?identifier=urn:x:mrn|MRN0004', ['pat-4']],
    ['/Patient?identifier=|MRN0004', []],
    ['/Patient?active=false', ['pat-16']],
    ['/Patient?link=Patient/pat-4', ['pat-16']],
    ['/Patient?_id=Patient/pat-1', ['pat-1']],
    ['/Patient?organization:missing=true&_sort=_id', ['pat-13', 'pat-14', 'pat-15', 'pat-16']],
    ['/Patient?birthdate=gt1962-05-14&birthdate=lt1970-01-01&_sort=-birthdate', ['pat-6', 'pat-5']],
    ['/Patient?birthdate=1962', ['pat-4']],
    // Those of 1962 itself are not among them: HAPI compares with its last day.
    ['/Patient?birthdate=ge1962&birthdate=lt1970-01-01&_sort=-birthdate', ['pat-6', 'pat-5']],
    ['/Patient?birthdate=le1962&birthdate=gt1959-01-01&_sort=-birthdate', ['pat-3']],
    ['/Patient?birthdate=ge1962-05&birthdate=lt1970-01-01&_sort=-birthdate', ['pat-6', 'pat-5']],
    ['/Patient?birthdate=ge1962-05-01&birthdate=le1962-05-31', ['pat-4']],
    [
      '/Patient?_has:ResearchSubject:individual:study=study-c&_sort=family',
      ['pat-10', 'pat-11', 'pat-12', 'pat-13'],
    ],
    ['/Patient?_has:Group:member:_id=x', []],
    ['/ResearchStudy?title=study&_sort=-title', ['study-c', 'study-b', 'study-a']],
    ['/ResearchStudy?sponsor=org-1', ['study-a', 'study-c']],
    ['/ResearchStudy?_sort=sponsor,status', ['study-a', 'study-c', 'study-b']],
    ['/ResearchSubject?study=study-a&patient:Patient=pat-13', ['rs-a-13']],
    ['/ResearchSubject?study.title=Study C&status=on-study&date=ge2026-01-01', ['rs-c-13']],
    ['/Organization?name=acme', ['org-1']],
    [
      '/Observation?patient=pat-5&date=2026-10-15&_sort=-date',
      ['obs-odd-6', 'obs-odd-1', 'obs-odd-2', 'obs-odd-3', 'obs-odd-5', 'obs-5-042', 'obs-5-041'],
    ],
    ['/Observation?patient=pat-5&date=2026-10-15T09:00:00Z', []],
    ['/Observation?patient=pat-5&date=ge2026-10-15T09:05:00Z&date=lt2026-10-15T09:08:00Z', ['obs-odd-6']],
    ['/Observation?patient=pat-5&date=sa2026-10-15T08:59&date=eb2026-10-15T09:10:01Z', ['obs-odd-6']],
    [
      '/Observation?patient=pat-5&date=ge2026-10-15T11:00:00.000%2B02:00&date=lt2026-10-15T11:01:00%2B02:00',
      ['obs-odd-6'],
    ],
    ['/Observation?patient=pat-5&code=15074-8', ['obs-odd-3']],
    ['/Observation?patient=pat-5&code=|15074-8', []],
    ['/Observation?patient=http://elsewhere/Patient/pat-5', []],
    ['/Observation?patient=Organization/pat-5', []],
  ])('answers %s as the live server did', async (path, expected) => {
    expect(await ids(path, fresh)).toEqual(expected)
  })

  it.each([
    ['/Observation?patient=pat-5&date=ne2026-10-15', 98],
    ['/Observation?patient=pat-5&date=2026-10', 56],
    ['/Observation?patient=pat-5&date=2026', 105],
    ['/Observation?patient=pat-5&date:missing=false', 105],
    ['/Observation?patient=pat-5&status:not=entered-in-error,cancelled', 105],
    ['/Observation?patient=pat-5&code:text=glucose', 30],
    ['/Observation?patient=pat-5&combo-code=8480-6', 25],
    [
      '/Observation?patient=pat-5&category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs',
      106,
    ],
    ['/Observation?patient=pat-5&patient=pat-4', 0],
    ['/Observation?patient.organization=org-1', 606],
    ['/Observation?_foo.bar=1', 1206],
    ['/Observation?patient:Patient._id=pat-5', 106],
    ['/Observation?subject:Patient._has:ResearchSubject:patient:study=study-a', 606],
    ['/Patient?_has:ResearchSubject:patient:study=study-a&_has:ResearchSubject:patient:status=withdrawn', 1],
    ['/Patient?birthdate=ge1962-05-14T00:00:00Z', 13],
  ])('counts %s as the live server did', async (path, total) => {
    expect((await page(`${path}&_summary=count`, fresh)).total).toBe(total)
    expect((await page(`${path}&_count=0`, fresh)).total).toBe(total)
  })

  it.each([
    ['/Observation?foo=1', 400, 'HAPI-0524'],
    ['/Observation?foo.bar=1', 400, 'HAPI-0524'],
    ['/Observation?patient:Patient.foo=1', 400, 'HAPI-1243'],
    ['/Observation?patient:Patient.birthdate=x', 400, 'HAPI-1882'],
    ['/Observation?patient:foo=1', 400, 'HAPI-2498'],
    ['/Observation?date:exact=2026', 400, 'HAPI-2498'],
    ['/Observation?code:exact=x', 400, 'HAPI-2498'],
    ['/Patient?name:not=x', 400, 'HAPI-2498'],
    ['/Observation?date=2026-10-15,2026-10-16', 400, 'HAPI-1930'],
    ['/Observation?date=ap2026-10-15', 400, 'HAPI-1925'],
    ['/Observation?date=2026-02-30', 400, 'HAPI-1882'],
    ['/Observation?_count=abc', 400, 'HAPI-0375'],
    ['/Observation?_sort=bogus', 400, 'HAPI-1194'],
    ['/Patient?_has:ResearchSubject:bogus:study=study-a', 400, 'HAPI-1209'],
    ['/Patient?_has:ResearchSubject:patient:bogus=study-a', 400, 'HAPI-1209'],
    ['/ResearchSubject?subject_state=withdrawn', 400, 'HAPI-0524'],
    ['/Foo?_count=1', 404, 'HAPI-0302'],
    ['/Foo/1', 404, 'HAPI-0302'],
    ['?_count=1', 400, 'HAPI-0445'],
    ['/metadata?_summary=true&_elements=fhirVersion', 400, 'HAPI-0304'],
    ['/Patient/pat-1/$everything', 400, 'does not know how to handle'],
    [`/Patient?name=${'x'.repeat(9000)}`, 400, 'Bad Request'],
  ])('refuses %s with %i and %s', async (path, status, text) => {
    const answer = await diagnostics(path)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(text)
  })

  it('never answers a chain without a type that hides a _has', async () => {
    const arrived = deferred()
    exchange.misbehave(() => void arrived.resolve())
    const controller = new AbortController()
    const path = '/Observation?patient._has:ResearchSubject:individual:study=study-a'
    const answer = fetch(`${exchange.url}${path}`, { signal: controller.signal })
    await arrived.promise
    controller.abort()
    await expect(answer).rejects.toThrow()
  })

  it('cuts resources to _elements and marks them', async () => {
    const { entry } = await page('/Observation?_id=obs-5-000&_elements=status,effective,value')
    expect(entry?.[0]?.resource).toEqual({
      resourceType: 'Observation',
      id: 'obs-5-000',
      meta: expect.objectContaining({ tag: [expect.objectContaining({ code: 'SUBSETTED' })] }),
      status: 'final',
      effectiveDateTime: expect.any(String),
      valueQuantity: expect.any(Object),
    })
  })

  it('brings included resources on top of the page', async () => {
    expect(await ids('/ResearchSubject?study=study-a&_include=ResearchSubject:patient&_count=2')).toEqual([
      'rs-a-1',
      'rs-a-2',
      'pat-1',
      'pat-2',
    ])
    expect(await ids('/Patient?_id=pat-5&_revinclude=ResearchSubject:patient')).toEqual([
      'pat-5',
      'rs-a-5',
      'rs-b-5',
    ])
  })
})

describe('pages', () => {
  it('leave the total out until the end is in sight', async () => {
    const first = await page('/Observation?patient=pat-4&_count=60&_sort=date&_pretty=false')
    expect(first.total).toBeUndefined()
    const next = first.link.find(({ relation }) => relation === 'next')?.url ?? ''
    const second = await page(next)
    expect(second.total).toBe(100)
    expect(second.entry).toHaveLength(40)
    expect(next).not.toContain('_pretty')
  })

  it('keep their ids and read the content anew: a deleted resource leaves a short page', async () => {
    const first = await page('/Patient?_count=4&_sort=_id')
    exchange.cohort.splice(
      exchange.cohort.findIndex(({ id }) => id === 'pat-13'),
      1,
    )
    const next = first.link.find(({ relation }) => relation === 'next')?.url ?? ''
    expect(await ids(next)).toEqual(['pat-14', 'pat-15', 'pat-16'])
  })

  it('can be had by _offset, without a token', async () => {
    const body = await page('/Observation?patient=pat-5&_offset=100&_count=50')
    expect(body.entry).toHaveLength(6)
    expect(body.link.map(({ relation }) => relation)).toEqual(['self', 'previous'])
  })

  it('of less than nothing are empty', async () => {
    expect(await ids('/Patient?_count=-1')).toEqual([])
  })
})

describe('the search cache', () => {
  const withdraw = () => {
    const index = exchange.cohort.findIndex(({ id }) => id === 'rs-a-1')
    const row = exchange.cohort[index]
    if (row !== undefined) exchange.cohort[index] = { ...row, status: 'withdrawn' }
  }
  const path = '/ResearchSubject?study=study-a&status=withdrawn&_sort=_id'

  it('answers for 60 seconds, whatever was written, unless the request says no-cache', async () => {
    await page(path)
    withdraw()
    expect(await ids(path)).toEqual(['rs-a-13'])
    expect(await ids(path, fresh)).toEqual(['rs-a-1', 'rs-a-13'])
  })

  it('is renewed when the 60 seconds are over', async () => {
    await page(path)
    withdraw()
    time += 60_001
    expect(await ids(path)).toEqual(['rs-a-1', 'rs-a-13'])
  })
})

describe('reading', () => {
  it('knows versions and whether they changed', async () => {
    const first = await fetch(`${exchange.url}/Patient/pat-1`)
    const etag = first.headers.get('etag') ?? ''
    const second = await fetch(`${exchange.url}/Patient/pat-1`, { headers: { 'If-None-Match': etag } })
    expect(second.status).toBe(304)
    expect((await fetch(`${exchange.url}/Patient/pat-1/_history/1`)).status).toBe(200)
  })

  it('tells what it is in the small forms of metadata, and what it searches by in the whole one', async () => {
    const small = await page(
      '/metadata?_elements=CapabilityStatement.fhirVersion,CapabilityStatement.software',
    )
    expect(small).toMatchObject({ fhirVersion: '4.0.1', software: { name: 'HAPI FHIR Server' } })
    expect(small).not.toHaveProperty('rest')
    expect(JSON.stringify(await page('/metadata?_summary=true'))).not.toContain('searchParam')
    expect(JSON.stringify(await page('/metadata'))).toContain('"combo-code"')
  })

  it('lets in whom it is told to', async () => {
    const guarded = await startExchange({
      dialect: 'hapi',
      fhirVersion: 'R5',
      authorize: (authorization) => authorization === 'Bearer right',
    })
    const status = async (token: string) =>
      (await fetch(`${guarded.url}/metadata`, { headers: { Authorization: `Bearer ${token}` } })).status
    expect(await status('wrong')).toBe(401)
    expect(await status('right')).toBe(200)
    expect((await fetch(`${guarded.origin}/elsewhere`)).status).toBe(404)
    await guarded.close()
  })

  it('serves R5 as R5 has it, and takes R5 as it is', async () => {
    const own = { resourceType: 'ResearchStudy', id: 'own', status: 'active', title: 'Own' }
    const r5 = await startExchange({
      dialect: 'hapi',
      fhirVersion: 'R5',
      cohort: [...syntheticCohort(), own],
    })
    const read = async (path: string) => (await fetch(`${r5.url}${path}`)).json()
    expect(await read('/ResearchSubject/rs-a-13')).toMatchObject({
      status: 'active',
      subject: { reference: 'Patient/pat-13' },
      progress: [{ subjectState: { coding: [{ code: 'withdrawn' }] }, startDate: '2026-09-01' }],
    })
    expect(await read('/ResearchSubject/rs-a-1')).not.toHaveProperty('progress')
    expect(await read('/ResearchStudy/study-a')).toMatchObject({
      associatedParty: [{ party: { reference: 'Organization/org-1' } }],
    })
    expect(await read('/ResearchStudy/own')).toMatchObject(own)
    await r5.close()
  })
})

describe('faults', () => {
  const always = (fault: Fault) => exchange.misbehave(() => fault)

  it('ignore the filters that are named, and only these', async () => {
    const path = '/Observation?patient=pat-4&status=final&_summary=count'
    expect((await page(path, fresh)).total).toBe(100)
    always({ kind: 'ignore', parameters: ['patient'] })
    expect((await page(path, fresh)).total).toBe(1205)
  })

  it('answer another patient, in reads and in searches', async () => {
    always({ kind: 'another-patient', patient: 'pat-10' })
    expect(await page('/Patient/pat-4')).toMatchObject({ id: 'pat-10' })
    expect(await ids('/Patient?_id=pat-4')).toEqual(['pat-10'])
    const { entry } = await page('/Observation?patient=pat-4&_count=1')
    expect(entry?.[0]?.resource.subject).toEqual({ reference: 'Patient/pat-10' })
  })

  it('point next elsewhere and lie in the total, in Bundles only', async () => {
    always({ kind: 'next', url: 'http://elsewhere.example/fhir?_getpages=1' })
    const { link } = await page('/Patient?_id=pat-4')
    expect(link.at(-1)).toEqual({ relation: 'next', url: 'http://elsewhere.example/fhir?_getpages=1' })
    always({ kind: 'total', total: 7 })
    expect((await page('/Patient?_id=pat-4')).total).toBe(7)
    expect(await page('/Patient/pat-4')).not.toHaveProperty('total')
    expect(await page('/Patient?_id=pat-4&_summary=count')).not.toHaveProperty('link')
    always({ kind: 'next', url: 'http://elsewhere.example' })
    expect(await page('/Patient?_id=pat-4&_summary=count')).toHaveProperty('link')
  })

  it('rewrite a body', async () => {
    always({ kind: 'rewrite', change: () => ({ resourceType: 'Basic' }) })
    expect(await page('/Patient/pat-4')).toEqual({ resourceType: 'Basic' })
  })

  it('redirect, refuse, answer HTML and too much', async () => {
    const ask = () => fetch(`${exchange.url}/Patient/pat-4`, { redirect: 'manual' })
    always({ kind: 'redirect', location: 'http://elsewhere.example/' })
    expect((await ask()).headers.get('location')).toBe('http://elsewhere.example/')
    always({ kind: 'redirect', location: '/x', status: 307 })
    expect((await ask()).status).toBe(307)
    always({ kind: 'status', status: 429, retryAfter: '3' })
    const limited = await ask()
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3'])
    always({ kind: 'status', status: 503, body: { resourceType: 'OperationOutcome' } })
    expect((await ask()).status).toBe(503)
    always({ kind: 'html' })
    expect((await ask()).headers.get('content-type')).toContain('text/html')
    always({ kind: 'huge', bytes: 100_000 })
    expect((await (await ask()).text()).length).toBeGreaterThan(100_000)
  })

  it('break the connection, before the answer or within it', async () => {
    always({ kind: 'reset' })
    await expect(fetch(`${exchange.url}/Patient/pat-4`)).rejects.toThrow()
    always({ kind: 'cut' })
    const response = await fetch(`${exchange.url}/Patient/pat-4`)
    await expect(response.text()).rejects.toThrow()
  })

  it('hold an answer back until they are told', async () => {
    const gate = deferred()
    const arrived = deferred()
    exchange.misbehave(() => {
      arrived.resolve()
      return { kind: 'hold', until: gate.promise }
    })
    const answer = fetch(`${exchange.url}/Patient/pat-4`)
    await arrived.promise
    gate.resolve()
    expect((await answer).status).toBe(200)
  })

  it('are decided on for each request, and end with reset', async () => {
    exchange.misbehave(({ path }) => (path.includes('pat-4') ? { kind: 'status', status: 500 } : undefined))
    const status = async (id: string) => (await fetch(`${exchange.url}/Patient/${id}`)).status
    expect([await status('pat-4'), await status('pat-5')]).toEqual([500, 200])
    exchange.reset()
    expect(await status('pat-4')).toBe(200)
  })
})

describe('a form', () => {
  const body = 'name=%C3%85ngstr%C3%B6m'
  const found = async (type: string) =>
    (await ids('/Patient/_search', { method: 'POST', headers: { 'content-type': type }, body })).length

  it('is read in the charset that is said, and in ISO-8859-1 where none is', async () => {
    exchange.cohort.push({ resourceType: 'Patient', id: 'odd', name: [{ family: 'Ångström' }] })
    const form = 'application/x-www-form-urlencoded'
    expect(await found(`${form}; charset=utf-8`)).toBe(1)
    expect(await found(`${form};charset="UTF-8"`)).toBe(1)
    expect(await found(form)).toBe(0)
  })
})

describe('a port that is taken', () => {
  it('is an error', async () => {
    const port = Number(new URL(exchange.url).port)
    await expect(startExchange({ dialect: 'jupyterhealth', port })).rejects.toThrow('EADDRINUSE')
  })
})
