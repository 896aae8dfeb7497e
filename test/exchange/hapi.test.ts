import { describe, expect, it } from 'vitest'
import type { PatientFilter } from '../../src/exchange/exchange.ts'
import { grantFor, idsIn, on } from './grants.ts'
import { observation, startHapi } from './hapi-stand-in.ts'
import { callOf, thrownBy } from './loopback.ts'
import { codeOf, exchangeOf, openerOf, walk } from './opened.ts'

const caller = { studies: { s1: ['p1', 'p2', '-p3', 'p4'] }, organizations: { o1: ['p1', 'p2'] } }
const onP1 = grantFor(caller, on.patient('p1'))
const reach = grantFor(caller, on.reach)
const newest = { order: 'newest', count: 5 } as const
const code = (name: string) => ({ system: 'urn:types', code: name })

describe.each(['R4', 'R5'] as const)('an exchange of the HAPI kind (%s)', (version) => {
  const start = async (
    ...given: Parameters<typeof startHapi> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const server = await startHapi(version, ...given)
    return { server, exchange: exchangeOf(server.baseUrl) }
  }

  it('says what it is, and what it can be searched by', async () => {
    const { exchange } = await start()
    const capabilities = await exchange.capabilities(onP1)
    expect(capabilities).toMatchObject({
      dialect: 'hapi',
      fhirVersion: version,
      asOf: '2026-11-23T12:00:00.000Z',
    })
    expect(capabilities.searches.Observation).toContain('category')
  })

  it('lists the permitted studies by id, and the permitted ids that are not there', async () => {
    const { exchange } = await start()
    const both = grantFor({ studies: { s2: [], s1: [], gone: [] } }, on.reach)
    const { studies, missing } = await exchange.studies(both)
    expect(studies.map(({ id }) => id)).toEqual(['s1', 's2'])
    expect(missing).toEqual(['gone'])
  })

  it('asks nothing for studies where none is permitted', async () => {
    const { server, exchange } = await start()
    expect(await exchange.studies(grantFor({}, on.reach))).toEqual({ studies: [], missing: [], gaps: [] })
    expect(server.arrivals.filter(({ url }) => url.includes('ResearchStudy'))).toEqual([])
  })

  it('lists every study for an unrestricted grant', async () => {
    const { exchange } = await start({ largestPage: 1 })
    const { studies } = await exchange.studies(grantFor({ superuser: true }, on.reach))
    expect(studies.map(({ id }) => id)).toEqual(['s1', 's2'])
  })

  it('reads a permitted study, and sends nothing for another one', async () => {
    const { server, exchange } = await start()
    const grant = grantFor(caller, on.study('s1'))
    expect(await exchange.study(grant, 's1')).toMatchObject({ id: 's1', title: 'One' })
    const sent = server.arrivals.length
    expect(await codeOf(exchange.study(grant, 's2'))).toBe('FORBIDDEN')
    expect(server.arrivals).toHaveLength(sent)
  })

  it('reads the roster of a study over its pages, with every enrolment of a patient', async () => {
    const { exchange } = await start({ largestPage: 2 })
    const roster = await exchange.roster(grantFor(caller, on.study('s1'), false), 5000)
    expect(roster.complete).toBe(true)
    expect(idsIn(roster)).toEqual(['p1', 'p2', 'p3', 'p4'])
    expect(roster.enrolments('p4').map(({ enrolled }) => enrolled)).toEqual([false, true])
    expect(roster.enrolments('p1')).toEqual([
      {
        patient: 'p1',
        subject: 'rs-s1-p1',
        codes: ['S1-P1'],
        status: 'on-study',
        enrolled: true,
        start: '2026-01-01',
        end: undefined,
      },
    ])
    expect(roster.membership('p3')).toBe('known')
  })

  it('gives no roster that is larger than the limit', async () => {
    const { exchange } = await start()
    const roster = await exchange.roster(grantFor(caller, on.study('s1'), false), 4)
    expect(roster.complete).toBe(false)
    expect(roster.size).toBe(0)
  })

  it('reads the roster of an organization', async () => {
    const { exchange } = await start()
    const roster = await exchange.roster(
      grantFor(caller, on.organization('o1'), false),
      Number.POSITIVE_INFINITY,
    )
    expect([...roster.patients()].flatMap(({ patient }) => roster.enrolments(patient))).toMatchObject([
      { patient: 'p1', codes: ['M1'], status: 'member', enrolled: true },
      { patient: 'p2', codes: ['M2'], status: 'member', enrolled: true },
    ])
  })

  it('asks for the enrolments of one patient', async () => {
    const { exchange } = await start()
    const study = grantFor(caller, on.study('s1'), false)
    expect((await exchange.enrolments(study, 'p4')).map(({ enrolled }) => enrolled)).toEqual([false, true])
    expect(await exchange.enrolments(study, 'p5')).toEqual([])
    expect(await codeOf(exchange.enrolments(study, 'no id'))).toBe('FORBIDDEN')
    const organization = grantFor(caller, on.organization('o1'), false)
    expect(await exchange.enrolments(organization, 'p1')).toMatchObject([{ patient: 'p1', enrolled: true }])
  })

  it.each<[string, PatientFilter, string[]]>([
    ['no condition', {}, ['p1', 'p2', 'p4']],
    ['a name in any spelling', { name: 'angstrom' }, ['p1', 'p2', 'p4']],
    ['a family name', { family: 'Ångström2' }, ['p2']],
    ['a given name', { given: 'Ada' }, ['p1', 'p2', 'p4']],
    ['a stretch of birth dates', { birthdate: ['ge1951-06-15', 'lt1952-06-15'] }, ['p1']],
    ['an identifier', { identifier: 'urn:mrn|M4' }, ['p4']],
    ['the value of an identifier', { identifier: 'M2' }, ['p2']],
  ])('finds the enrolled patients by %s', async (_, filter, found) => {
    const { exchange } = await start()
    expect((await exchange.patients(reach, filter)).patients.map(({ id }) => id)).toEqual(found)
  })

  it('finds patients among given ids, and leaves known ones out', async () => {
    const { exchange } = await start()
    expect((await exchange.patients(reach, {}, ['p2', 'p3'])).patients.map(({ id }) => id)).toEqual(['p2'])
    expect(await codeOf(exchange.patients(reach, {}, ['p5']))).toBe('FORBIDDEN')
  })

  it('finds everybody for an unrestricted grant', async () => {
    const { exchange } = await start()
    const everybody = grantFor({ superuser: true }, on.reach)
    expect((await exchange.patients(everybody, { given: 'Ada' })).patients).toHaveLength(5)
  })

  it('reads the patient of a grant', async () => {
    const { exchange } = await start()
    expect(await exchange.patient(onP1)).toMatchObject({ id: 'p1' })
    expect(await codeOf(exchange.patient(reach))).toBe('FORBIDDEN')
  })

  const all = ['12', '11', '10', '09', '08', '07', '06', '05', '04', '03', '02', '01', 'undated']
  it.each([
    ['newest', 5, 5],
    ['newest', 5, 3],
    ['newest', 50, 4],
    ['newest', 50, 13],
    ['oldest', 5, 5],
    ['oldest', 4, 1],
    ['oldest', 50, 7],
  ] as const)(
    'walks the observations, %s first, by pages of %i of which %i are taken',
    async (order, count, take) => {
      const { exchange } = await start()
      const { ids, totals } = await walk(exchange, onP1, { order, count }, take)
      const [undated = '', ...dated] = [...all].reverse()
      const expected = order === 'newest' ? all : [...dated, undated]
      expect(ids).toEqual(expected.map((suffix) => `p1-${suffix}`))
      expect(new Set(totals)).toEqual(new Set([13]))
    },
  )

  it('fills a page from a server that gives smaller ones', async () => {
    const { exchange } = await start({ largestPage: 2 })
    const page = await exchange.observations(onP1, newest)
    expect(page.observations).toHaveLength(5)
    expect((await walk(exchange, onP1, newest)).ids).toHaveLength(13)
  })

  it('finds observations by code and stretch of time', async () => {
    const { exchange } = await start()
    const stretch = { from: '2026-10-02T12:00:00Z', before: '2026-10-06T12:00:00Z' }
    const page = await exchange.observations(onP1, { ...newest, ...stretch, codes: [code('b')] })
    expect(page.observations.map(({ id }) => id)).toEqual(['p1-04', 'p1-02'])
    expect(page.total).toBe(2)
    expect(page.positionAfter(2)).toBeUndefined()
  })

  it('finds nothing for no code at all, without asking', async () => {
    const { server, exchange } = await start()
    const page = await exchange.observations(onP1, { ...newest, codes: [] })
    expect(page.observations).toEqual([])
    expect(await exchange.countObservations(onP1, { codes: [] })).toEqual({ count: 0, excluded: 0 })
    expect(await exchange.countPatientObservations(onP1, 'p1', { codes: [] })).toEqual({
      count: 0,
      excluded: 0,
    })
    expect(server.arrivals.filter(({ url }) => url.includes('Observation'))).toEqual([])
  })

  it('goes on after the last observation that was shown, though new ones have come', async () => {
    const rows = Array.from({ length: 4 }, (_, index) =>
      observation(`o${index}`, 'p1', 'a', { effectiveDateTime: `2026-10-0${index + 1}T12:00:00Z` }),
    )
    const { exchange } = await start({}, rows)
    const first = await exchange.observations(onP1, { order: 'newest', count: 10 })
    const position = first.positionAfter(2)
    rows.push(observation('new', 'p1', 'a', { effectiveDateTime: '2026-10-09T12:00:00Z' }))
    const second = await exchange.observations(onP1, {
      order: 'newest',
      count: 10,
      ...(position && { position }),
    })
    expect(second.observations.map(({ id }) => id)).toEqual(['o1', 'o0'])
  })

  it('goes on where it was when the last observation that was shown is gone', async () => {
    const rows = Array.from({ length: 4 }, (_, index) =>
      observation(`o${index}`, 'p1', 'a', { effectiveDateTime: `2026-10-0${index + 1}T12:00:00Z` }),
    )
    const { exchange } = await start({}, rows)
    const first = await exchange.observations(onP1, { order: 'oldest', count: 10 })
    const position = first.positionAfter(2)
    rows[1] = observation('replaced', 'p1', 'a', { effectiveDateTime: '2026-10-02T12:00:00Z' })
    const second = await exchange.observations(onP1, {
      order: 'oldest',
      count: 10,
      ...(position && { position }),
    })
    expect(second.observations.map(({ id }) => id)).toEqual(['o2', 'o3'])
  })

  it('refuses a position that has expired, is not one, or is of another search', async () => {
    const { exchange } = await start()
    const expired = JSON.stringify({ link: '?_getpages=gone&_getpagesoffset=0&_count=5', size: 5, skip: 0 })
    expect(await codeOf(exchange.observations(onP1, { ...newest, position: [expired] }))).toBe(
      'EXCHANGE_UNAVAILABLE',
    )
    for (const position of [['{'], ['{}'], [], ['1', '2'], [null, null]]) {
      expect(await codeOf(exchange.observations(onP1, { ...newest, position }))).toBe('INVALID_ARGUMENT')
    }
    const ended = await exchange.observations(onP1, { ...newest, position: [null] })
    expect(ended.observations).toEqual([])
    expect(ended.positionAfter(0)).toBeUndefined()
  })

  it('says where a page itself begins', async () => {
    const { exchange } = await start()
    const page = await exchange.observations(onP1, newest)
    const position = page.positionAfter(0)
    const again = await exchange.observations(onP1, { ...newest, ...(position && { position }) })
    expect(again.observations).toEqual(page.observations)
  })

  it('counts the observations of a patient, without those entered in error', async () => {
    const { exchange } = await start()
    expect(await exchange.countPatientObservations(onP1, 'p1', {})).toEqual({ count: 12, excluded: 1 })
    const some = { codes: [code('a')], from: '2026-10-01T00:00:00Z', before: '2026-10-04T00:00:00Z' }
    expect(await exchange.countPatientObservations(onP1, 'p1', some)).toEqual({ count: 1, excluded: 1 })
    expect(await codeOf(exchange.countPatientObservations(onP1, 'p5', {}))).toBe('FORBIDDEN')
  })

  it('counts the observations of everybody within reach, and of nobody else', async () => {
    const { exchange } = await start()
    expect(await exchange.countObservations(reach, {})).toEqual({ count: 12, excluded: 1 })
    expect(await exchange.countObservations(onP1, {})).toEqual({ count: 12, excluded: 1 })
    expect(
      await exchange.countObservations(grantFor({ studies: { s2: ['p2'] } }, on.study('s2')), {}),
    ).toEqual({
      count: 0,
      excluded: 0,
    })
    expect(await exchange.countObservations(grantFor({ superuser: true }, on.reach), {})).toEqual({
      count: 16,
      excluded: 2,
    })
    expect(await codeOf(exchange.countObservations(grantFor(caller, on.study('s1'), false), {}))).toBe(
      'FORBIDDEN',
    )
  })

  it('asks for the categories that a grant is restricted to, and for no others', async () => {
    const { server, exchange } = await start()
    const within = (category: string) =>
      grantFor(
        { ...caller, scope: `user/Observation.rs?category=${category} user/Patient.rs` },
        on.patient('p1'),
      )
    expect(
      (await exchange.observations(within('urn:categories|vital-signs'), newest)).observations,
    ).toHaveLength(5)
    expect((await exchange.observations(within('laboratory'), newest)).observations).toEqual([])
    expect(await exchange.countObservations(within('vital-signs'), {})).toEqual({ count: 12, excluded: 1 })
    expect(decodeURIComponent(server.arrivals.at(1)?.url ?? '')).toContain(
      'category=urn:categories|vital-signs',
    )
  })

  it('asks for fresh answers, relative references, and nothing empty', async () => {
    const { server, exchange } = await start()
    await exchange.patients(reach, { name: 'a|$ b' })
    await exchange.observations(onP1, newest)
    const forms = server.arrivals
      .slice(1)
      .map(({ url, body }) => new URLSearchParams(body || url.split('?')[1]))
    expect(forms[0]?.get('name')).toBe('a\\|\\$,b')
    expect(forms[1]?.get('patient')).toBe('Patient/p1')
    for (const form of forms) expect([...form.values()].every((value) => value !== '')).toBe(true)
    for (const { headers } of server.arrivals.slice(1)) expect(headers['cache-control']).toBe('no-cache')
  })

  it('lets the server answer from its cache where that is configured', async () => {
    const server = await startHapi(version)
    const exchange = exchangeOf(server.baseUrl, { fhir: { cachedAnswers: true, dialect: 'hapi' } })
    await exchange.observations(onP1, newest)
    expect(server.arrivals.map(({ headers }) => headers['cache-control'])).toEqual([undefined])
  })

  it('refuses conditions that are no search, before anything is sent', async () => {
    const { server, exchange } = await start()
    await exchange.capabilities(onP1)
    const sent = server.arrivals.length
    expect(await codeOf(exchange.patients(reach, { name: ' ' }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(exchange.patients(reach, { birthdate: ['ne1960'] }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(exchange.observations(onP1, { ...newest, from: '2026-10-01' }))).toBe(
      'INVALID_ARGUMENT',
    )
    expect(server.arrivals.length - sent).toBeLessThanOrEqual(1)
    expect(server.arrivals.slice(sent).every(({ url }) => url.includes('metadata'))).toBe(true)
  })
})

describe('the opener', () => {
  it('takes a grant and nothing else, before anything is sent', async () => {
    const server = await startHapi('R4')
    const exchange = exchangeOf(server.baseUrl)
    const forged = JSON.parse(JSON.stringify(onP1))
    const asked = [
      exchange.capabilities(forged),
      exchange.studies(forged),
      exchange.study(forged, 's1'),
      exchange.roster(forged, 10),
      exchange.enrolments(forged, 'p1'),
      exchange.patients(forged, {}),
      exchange.patient(forged),
      exchange.observations(forged, newest),
      exchange.countPatientObservations(forged, 'p1', {}),
      exchange.countObservations(forged, {}),
    ]
    for (const answer of asked) expect(await thrownBy(answer)).toBeInstanceOf(TypeError)
    expect(server.arrivals).toEqual([])
  })

  it('looks at the server once, and knows the dialect from then on', async () => {
    const server = await startHapi('R5')
    const opener = openerOf(server.baseUrl)
    expect(opener.knownTraits()).toBeUndefined()
    const traits = { categories: true, groups: false, requestedTypes: false }
    expect(await Promise.all([opener.traits(callOf()), opener.traits(callOf())])).toEqual([traits, traits])
    expect(opener.knownTraits()).toEqual(traits)
    expect(server.arrivals).toHaveLength(1)
    expect(opener.baseUrl).toBe(server.baseUrl)
  })

  it('takes a configured dialect as it is', async () => {
    const server = await startHapi('R5')
    const opener = openerOf(server.baseUrl, { fhir: { dialect: 'jupyterhealth' } })
    expect(opener.knownTraits()).toEqual({ categories: false, groups: true, requestedTypes: true })
    expect(await opener.traits(callOf())).toEqual({ categories: false, groups: true, requestedTypes: true })
    expect(server.arrivals).toEqual([])
  })

  it('sends no parameter that the server is known not to have', async () => {
    const server = await startHapi('R4', { lacks: ['date'] })
    const exchange = exchangeOf(server.baseUrl)
    await exchange.capabilities(onP1)
    await exchange.observations(onP1, newest)
    const sent = server.arrivals.length
    const dated = exchange.observations(onP1, { ...newest, from: '2026-10-01T00:00:00Z' })
    expect(await codeOf(dated)).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    expect(server.arrivals).toHaveLength(sent)
  })
})
