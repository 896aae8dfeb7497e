import { describe, expect, it } from 'vitest'
import type { PatientFilter } from '../../src/exchange/exchange.ts'
import { grantFor, idsIn, on } from './grants.ts'
import { code, data, reading, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { callOf, json, startExchange, thrownBy } from './loopback.ts'
import { codeOf, exchangeOf, openerOf, walk } from './opened.ts'

const all = ['sleep:1', 'rate:1', 'rate:2'].map(code)
const caller = {
  studies: { '30': ['41', '42', '43'] },
  organizations: { '20': ['41', '42'] },
  requested: { '30': all },
}
const on41 = grantFor(caller, on.patient('41'))
const onStudy = grantFor(caller, on.study('30'))
const reach = grantFor(caller, on.reach)
const newest = { order: 'newest', count: 5 } as const
const both = [code('rate:1'), code('none:1'), code('sleep:1')]

async function start(...given: Parameters<typeof startJupyterHealth>) {
  const server = await startJupyterHealth(...given)
  return { server, exchange: exchangeOf(server.baseUrl) }
}

describe('a JupyterHealth Exchange', () => {
  it('says what it is, with the searches that its metadata does not list and without those that it ignores', async () => {
    const { exchange } = await start()
    const capabilities = await exchange.capabilities(on41)
    expect(capabilities).toMatchObject({ dialect: 'jupyterhealth', fhirVersion: 'R5' })
    expect(capabilities.searches.Observation).toEqual([
      'code',
      'date',
      'patient',
      'patient._has:Group:member:_id',
      'patient.organization',
      'status',
    ])
  })

  it('gives its studies as ResearchStudy, with what its API knows of them', async () => {
    const { exchange } = await start()
    const { studies, missing } = await exchange.studies(
      grantFor({ studies: { '30': [], '39': [], '77': [], none: [] } }, on.reach),
    )
    expect(studies).toEqual([
      {
        resourceType: 'ResearchStudy',
        id: '30',
        title: 'Study 30',
        status: 'unknown',
        description: 'About 30',
        associatedParty: [
          {
            name: 'Northlake',
            role: { coding: [{ system: 'http://hl7.org/fhir/research-study-party-role', code: 'sponsor' }] },
            party: { reference: 'Organization/20' },
          },
        ],
        recruitment: { actualGroup: { reference: 'Group/30' } },
      },
    ])
    expect(missing).toEqual(['39', '77', 'none'])
  })

  it('asks for a single study by its id', async () => {
    const { server, exchange } = await start()
    expect((await exchange.studies(reach)).studies).toMatchObject([{ id: '30', description: 'About 30' }])
    expect(
      server.arrivals
        .slice(1)
        .map(({ url }) => url)
        .sort(),
    ).toEqual(['/FHIR/R5/Group?_id=30&_sort=_lastUpdated&_count=1000&_page=1', '/api/v1/studies/30'])
  })

  it('lists every study for an unrestricted grant, and asks nothing where none can be there', async () => {
    const { server, exchange } = await start()
    const { studies } = await exchange.studies(grantFor({ superuser: true }, on.reach))
    expect(studies.map(({ id }) => id)).toEqual(['30', '31', '32'])
    const sent = server.arrivals.length
    const none = await exchange.studies(grantFor({ studies: { none: [] } }, on.reach))
    expect(none).toEqual({ studies: [], missing: ['none'], gaps: [] })
    expect(server.arrivals).toHaveLength(sent)
  })

  it.each([403, 404, 500])('gives a study without details where its API answers %i', async (noApi) => {
    const { exchange } = await start({ noApi })
    const study = await exchange.study(onStudy, '30')
    expect(study).toEqual({
      resourceType: 'ResearchStudy',
      id: '30',
      title: 'Study 30',
      status: 'unknown',
      recruitment: { actualGroup: { reference: 'Group/30' } },
    })
  })

  it('gives a study without details where its API is not there, or says something else', async () => {
    const server = await startJupyterHealth()
    const other = await startExchange((response) => response.end('<html>'))
    for (const apiUrl of ['http://127.0.0.1:9/api', other.origin]) {
      const exchange = exchangeOf(server.baseUrl, { fhir: { apiUrl } })
      expect(await exchange.study(onStudy, '30')).not.toHaveProperty('description')
    }
  })

  it('sends the credential of the call to its API, and counts that request too', async () => {
    const server = await startJupyterHealth()
    const call = callOf('Bearer of-the-call')
    await openerOf(server.baseUrl, { fhir: { dialect: 'jupyterhealth' } })
      .open(call)
      .study(onStudy, '30')
    expect(server.arrivals.map(({ headers }) => headers.authorization)).toEqual(
      Array(2).fill('Bearer of-the-call'),
    )
    expect(call.requests()).toBe(2)
  })

  it('ends with its caller while it reads its API', async () => {
    const gone = new AbortController()
    const server = await startExchange((response, { url }) => {
      if (url.startsWith('/api/')) gone.abort(new Error('gone'))
      else json(response, { resourceType: 'Group', id: '30' })
    })
    const opener = openerOf(`${server.origin}/FHIR/R5`, { fhir: { dialect: 'jupyterhealth' } })
    const asked = opener.open(callOf(undefined, gone.signal)).study(onStudy, '30')
    expect(await thrownBy(asked)).toMatchObject({ message: 'gone' })
  })

  it('reads a permitted study, and sends nothing for another one or an id that it cannot have', async () => {
    const { server, exchange } = await start()
    expect(await exchange.study(onStudy, '30')).toMatchObject({ id: '30', description: 'About 30' })
    const sent = server.arrivals.length
    expect(await codeOf(exchange.study(onStudy, '31'))).toBe('FORBIDDEN')
    const odd = grantFor({ studies: { 'study-a': [] } }, on.study('study-a'))
    expect(await codeOf(exchange.study(odd, 'study-a'))).toBe('FORBIDDEN')
    expect(
      await codeOf(exchange.roster(grantFor({ studies: { 'study-a': [] } }, on.study('study-a'), false), 5)),
    ).toBe('FORBIDDEN')
    expect(server.arrivals).toHaveLength(sent)
  })

  it('does not give a Group of another kind for a study', async () => {
    const { exchange } = await start()
    expect(await codeOf(exchange.study(grantFor({ studies: { '39': [] } }, on.study('39')), '39'))).toBe(
      'FORBIDDEN',
    )
  })

  it('reads the rosters of a study and of an organization', async () => {
    const { server, exchange } = await start()
    const roster = await exchange.roster(grantFor(caller, on.study('30'), false), 3)
    expect([...roster.patients()].flatMap(({ patient }) => roster.enrolments(patient))).toMatchObject([
      { patient: '41', codes: [], status: 'member', enrolled: true },
      { patient: '42' },
      { patient: '43' },
    ])
    const organization = await exchange.roster(grantFor(caller, on.organization('20'), false), 3)
    expect(idsIn(organization)).toEqual(['41', '42'])
    expect(decodeURIComponent(server.arrivals.at(1)?.url ?? '')).toContain(
      'patient._has:Group:member:_id=30&',
    )
    expect(server.arrivals.every(({ method }) => method === 'GET')).toBe(true)
  })

  it('gives no roster that is larger than the limit', async () => {
    const { exchange } = await start()
    const roster = await exchange.roster(grantFor(caller, on.study('30'), false), 2)
    expect([roster.complete, roster.size]).toEqual([false, 0])
  })

  it('reads a roster over its pages', async () => {
    const ids = Array.from({ length: 2500 }, (_, index) => String(50_000 + index))
    const rows = ids.map((id) => ({ resourceType: 'Patient', id }))
    const { exchange } = await start({}, { studies: { '30': ids }, organizations: {}, requested: {}, rows })
    const roster = await exchange.roster(grantFor(caller, on.study('30'), false), 5000)
    expect(idsIn(roster)).toEqual(ids)
  })

  it('asks for the membership of one patient', async () => {
    const { exchange } = await start()
    const study = grantFor(caller, on.study('30'), false)
    expect(await exchange.enrolments(study, '43')).toMatchObject([{ patient: '43', enrolled: true }])
    expect(await exchange.enrolments(study, '44')).toEqual([])
    for (const odd of ['abc', '041']) expect(await codeOf(exchange.enrolments(study, odd))).toBe('FORBIDDEN')
  })

  it.each<[string, PatientFilter, string[]]>([
    ['no condition', {}, ['41', '42', '43']],
    ['a name', { name: 'fern' }, ['41', '42', '43']],
    ['a full name', { name: 'Isolde Fernwick2' }, ['42']],
    ['a full name, as files write it', { name: 'fernwick2, Ísolde' }, ['42']],
    ['beginnings of its words', { name: 'Is Fern' }, ['41', '42', '43']],
    ['a name and one word that is not in it', { name: 'Isolde Other' }, []],
    ['a family name', { family: 'Fernwick2' }, ['42']],
    ['a given name', { given: 'iso' }, ['41', '42', '43']],
    ['a birth date', { birthdate: ['1951-06-15'] }, ['41']],
    ['a stretch of birth dates', { birthdate: ['ge1951-06-16', 'lt1953-01-01'] }, ['42']],
    ['a year of birth', { birthdate: ['1952'] }, ['42']],
    ['a month of birth', { birthdate: ['1951-06'] }, ['41']],
    ['an empty month of birth', { birthdate: ['1951-02'] }, []],
    ['from a year on', { birthdate: ['ge1952', 'le1952-06'] }, ['42']],
    ['after a year', { birthdate: ['gt1951', 'lt1953'] }, ['42']],
    ['the ends of a stretch', { birthdate: ['gt1951-06-15', 'le1952-06-15'] }, ['42']],
    ['an identifier', { identifier: 'urn:mrn|NL-3' }, ['43']],
    ['an identifier of another system', { identifier: 'urn:other|NL-3' }, []],
    ['the value of an identifier', { identifier: 'NL-1' }, ['41']],
  ])('finds the patients within reach by %s, each one once', async (_, filter, found) => {
    const { exchange } = await start()
    expect((await exchange.patients(reach, filter)).patients.map(({ id }) => id)).toEqual(found)
  })

  it('finds patients among given ids, leaves known ones out, and refuses others', async () => {
    const { exchange } = await start()
    expect((await exchange.patients(reach, {}, ['42'])).patients.map(({ id }) => id)).toEqual(['42'])
    const withKnown = grantFor({ studies: { '30': ['41', '42', '-43'] } }, on.study('30'))
    expect((await exchange.patients(withKnown, {})).patients.map(({ id }) => id)).toEqual(['41', '42'])
    expect(await codeOf(exchange.patients(reach, {}, ['44']))).toBe('FORBIDDEN')
  })

  it('finds the patient context beside the studies, and alone', async () => {
    const { exchange } = await start()
    const alone = grantFor({ patient: '44' }, on.reach)
    expect((await exchange.patients(alone, {})).patients.map(({ id }) => id)).toEqual(['44'])
    const beside = grantFor({ ...caller, patient: '44' }, on.reach)
    expect((await exchange.patients(beside, {})).patients.map(({ id }) => id)).toEqual([
      '41',
      '42',
      '43',
      '44',
    ])
  })

  it('finds everybody for an unrestricted grant', async () => {
    const { exchange } = await start()
    expect((await exchange.patients(grantFor({ superuser: true }, on.reach), {})).patients).toHaveLength(4)
  })

  it.each<[PatientFilter, string]>([
    [{ identifier: 'a,b' }, 'NOT_SUPPORTED_BY_EXCHANGE'],
    [{ name: ' ' }, 'INVALID_ARGUMENT'],
    [{ family: ' , ' }, 'INVALID_ARGUMENT'],
    [{ identifier: 'urn:mrn|' }, 'INVALID_ARGUMENT'],
  ])('refuses %j before anything is sent', async (filter, expected) => {
    const { server, exchange } = await start()
    expect(await codeOf(exchange.patients(reach, filter))).toBe(expected)
    expect(server.arrivals.filter(({ url }) => !url.includes('metadata'))).toEqual([])
  })

  it('reads the patient of a grant', async () => {
    const { exchange } = await start()
    expect(await exchange.patient(on41)).toMatchObject({ id: '41' })
    const odd = grantFor({ studies: { '30': ['p1'] } }, on.patient('p1'))
    expect(await codeOf(exchange.patient(odd))).toBe('FORBIDDEN')
  })

  const byDay = Array.from({ length: 12 }, (_, index) => String(601 + index))
  it.each([
    ['newest', undefined, 5, 5],
    ['newest', undefined, 5, 2],
    ['newest', both, 5, 5],
    ['newest', both, 4, 3],
    ['oldest', both, 5, 1],
    ['oldest', undefined, 50, 50],
  ] as const)(
    'walks the observations, %s first, of codes %j by pages of %i of which %i are taken',
    async (order, codes, count, take) => {
      const { exchange } = await start()
      const query = { order, count, ...(codes && { codes }) }
      const { ids } = await walk(exchange, on41, query, take)
      expect(ids).toEqual([...(order === 'newest' ? [...byDay].reverse() : byDay), '620'])
    },
  )

  it('says the total where it is exact', async () => {
    const { exchange } = await start()
    const total = async (count: number, codes?: readonly ReturnType<typeof code>[]) =>
      (await exchange.observations(on41, { ...newest, count, ...(codes && { codes }) })).total
    expect(await total(2)).toBe(13)
    expect(await total(2, [code('rate:1')])).toBe(9)
    expect(await total(2, [code('rate:1'), code('none:1')])).toBe(9)
    expect(await total(2, [code('none:1'), code('none:2')])).toBe(0)
    expect(await total(2, both)).toBeUndefined()
    expect(await total(10, both)).toBe(13)
    expect(await total(10, [])).toBe(0)
  })

  it('gives an observation with two of the codes once, and counts it once', async () => {
    const { rows, ...rest } = data()
    rows.push(reading(700, 41, ['sleep:1', 'rate:1'], { effectiveDateTime: '2026-11-01T12:00:00Z' }))
    rows.push(
      reading(701, 41, ['sleep:1', 'rate:1'], { effectiveDateTime: '2026-11-01T12:00:00Z' }, 'cancelled'),
    )
    const { exchange } = await start({}, { ...rest, rows })
    const { ids } = await walk(exchange, on41, { order: 'newest', count: 3, codes: both })
    expect(ids).toEqual(['700', '701', ...[...byDay].reverse(), '620'])
    const page = await exchange.observations(on41, { order: 'newest', count: 50, codes: both })
    expect(page.total).toBe(15)
    expect(await exchange.countPatientObservations(on41, '41', { codes: both })).toEqual({
      count: 14,
      excluded: 1,
    })
  })

  it('orders observations of the same time by their numbers, whatever their codes', async () => {
    const same = { effectiveDateTime: '2026-10-02T12:00:00Z' }
    const rows = [
      { resourceType: 'Patient', id: '41' },
      ...[99, 1001, 1003].map((id) => reading(id, 41, ['sleep:1'], same)),
      ...[98, 1000, 1002].map((id) => reading(id, 41, ['rate:1'], same)),
    ]
    const { exchange } = await start({}, { ...data(), rows })
    for (const order of ['newest', 'oldest'] as const) {
      const { ids } = await walk(exchange, on41, { order, count: 2, codes: both })
      expect(ids).toEqual(['98', '99', '1000', '1001', '1002', '1003'])
    }
  })

  it('does not ask again for a code that has nothing', async () => {
    const { server, exchange } = await start()
    const page = await exchange.observations(on41, { ...newest, codes: both })
    const position = page.positionAfter(5)
    expect(position?.[1]).toBeNull()
    const sent = server.arrivals.length
    await exchange.observations(on41, { ...newest, codes: both, ...(position && { position }) })
    expect(server.arrivals.slice(sent).some(({ url }) => url.includes('none'))).toBe(false)
  })

  it('goes on after the last observation that was shown, though new ones have come', async () => {
    const { rows, ...rest } = data()
    const { exchange } = await start({}, { ...rest, rows })
    const first = await exchange.observations(on41, newest)
    const position = first.positionAfter(3)
    rows.push(reading(800, 41, ['rate:1'], { effectiveDateTime: '2026-11-09T12:00:00Z' }))
    const second = await exchange.observations(on41, { ...newest, ...(position && { position }) })
    expect(second.observations.map(({ id }) => id)).toEqual(['609', '608', '607', '606', '605'])
  })

  it('refuses a position that no longer fits, is not one, or is of another search', async () => {
    const { exchange } = await start()
    const beyond = JSON.stringify({ page: 9, size: 5, skip: 0 })
    expect(await codeOf(exchange.observations(on41, { ...newest, position: [beyond] }))).toBe(
      'EXCHANGE_UNAVAILABLE',
    )
    for (const position of [['{'], ['{}'], [], [null, null]]) {
      expect(await codeOf(exchange.observations(on41, { ...newest, position }))).toBe('INVALID_ARGUMENT')
    }
    const ended = await exchange.observations(on41, { ...newest, position: [null] })
    expect(ended.observations).toEqual([])
    expect(ended.positionAfter(0)).toBeUndefined()
  })

  it('finds observations by stretch of time, whole days as days and instants as instants', async () => {
    const { server, exchange } = await start()
    const days = { from: '2026-10-02T00:00:00Z', before: '2026-10-05T02:00:00+02:00' }
    const page = await exchange.observations(on41, { ...newest, ...days })
    expect(page.observations.map(({ id }) => id)).toEqual(['604', '603', '602'])
    expect(server.arrivals.map(({ url }) => url)).toContainEqual(
      expect.stringContaining('date=ge2026-10-02&date=lt2026-10-05&'),
    )
    const hours = { from: '2026-10-02T12:00:01Z', before: '2026-10-04T14:00:00+02:00' }
    const exact = await exchange.observations(on41, { ...newest, ...hours })
    expect(exact.observations.map(({ id }) => id)).toEqual(['603'])
    expect(exact.total).toBe(1)
  })

  it('counts the observations of a patient, a study, an organization and of everybody within reach', async () => {
    const { exchange } = await start()
    expect(await exchange.countPatientObservations(on41, '41', {})).toEqual({ count: 13, excluded: 0 })
    expect(await exchange.countObservations(onStudy, {})).toEqual({ count: 14, excluded: 1 })
    expect(await exchange.countObservations(grantFor(caller, on.organization('20')), {})).toEqual({
      count: 14,
      excluded: 1,
    })
    expect(await exchange.countObservations(reach, {})).toEqual({ count: 14, excluded: 1 })
    expect(await exchange.countObservations(grantFor({ superuser: true }, on.reach), {})).toEqual({
      count: 15,
      excluded: 1,
    })
    expect(await exchange.countObservations(grantFor({}, on.reach), {})).toEqual({ count: 0, excluded: 0 })
    expect(await codeOf(exchange.countPatientObservations(on41, '44', {}))).toBe('FORBIDDEN')
  })

  it('counts a study in one question, and by its patients where not all of them are within reach', async () => {
    const { server, exchange } = await start()
    await exchange.countObservations(onStudy, {})
    const counts = () => server.arrivals.filter(({ url }) => url.includes('_summary=count'))
    expect(counts().filter(({ url }) => !/status=|_id=0/.test(url))).toHaveLength(1)
    expect(counts().some(({ url }) => url.includes('patient='))).toBe(false)
    const withKnown = grantFor({ ...caller, studies: { '30': ['41', '-42', '43'] } }, on.study('30'))
    expect(await exchange.countObservations(withKnown, {})).toEqual({ count: 13, excluded: 0 })
  })

  it('counts by codes and stretch of time', async () => {
    const { exchange } = await start()
    const days = { from: '2026-10-02T00:00:00Z', before: '2026-10-05T00:00:00Z', codes: both }
    expect(await exchange.countPatientObservations(on41, '41', days)).toEqual({ count: 3, excluded: 0 })
    const hours = { from: '2026-10-02T12:00:01Z', before: '2026-10-04T12:00:00Z' }
    expect(await exchange.countPatientObservations(on41, '41', hours)).toEqual({ count: 1, excluded: 0 })
    expect(await exchange.countPatientObservations(on41, '41', { codes: [] })).toEqual({
      count: 0,
      excluded: 0,
    })
  })

  it('refuses categories and codes that it cannot search for', async () => {
    const { server, exchange } = await start()
    const scope = 'user/Observation.rs?category=vital-signs user/Patient.rs'
    const restricted = grantFor({ organizations: caller.organizations, scope }, on.patient('41'))
    const asked = [
      exchange.observations(restricted, newest),
      exchange.countObservations(restricted, {}),
      exchange.countPatientObservations(restricted, '41', {}),
      exchange.observations(on41, { ...newest, codes: [{ system: '', code: 'x' }] }),
      exchange.observations(on41, { ...newest, codes: [{ system: 'urn:x', code: 'a,b' }] }),
    ]
    for (const answer of asked) expect(await codeOf(answer)).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    expect(server.arrivals.filter(({ url }) => !url.includes('metadata'))).toEqual([])
  })

  it('decodes the Open mHealth bodies of its observations', async () => {
    const body = {
      header: {},
      body: {
        heart_rate: { unit: 'beats/min', value: 62 },
        effective_time_frame: { date_time: '2026-10-02T12:00:00Z' },
      },
    }
    const attached = {
      ...reading(900, 41, ['omh:heart-rate:2.0'], { effectiveDateTime: '2026-10-02T12:00:00Z' }),
      valueAttachment: {
        contentType: 'application/json',
        data: Buffer.from(JSON.stringify(body)).toString('base64'),
      },
    }
    const { exchange } = await start(
      {},
      { ...data(), rows: [{ resourceType: 'Patient', id: '41' }, attached] },
    )
    const { observations } = await exchange.observations(on41, newest)
    expect(observations).toMatchObject([{ id: '900', valueQuantity: { value: 62, code: '/min' } }])
  })
})
