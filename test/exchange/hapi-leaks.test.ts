import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/exchange/exchange.ts'
import { grantFor, on } from './grants.ts'
import { cohort, type Faults, observation, type Row, startHapi } from './hapi-stand-in.ts'
import { codeOf, exchangeOf, testNow } from './opened.ts'

const caller = { studies: { s1: ['p1', 'p2', '-p3', 'p4'] }, organizations: { o1: ['p1', 'p2'] } }
const onP1 = grantFor(caller, on.patient('p1'))
const reach = grantFor(caller, on.reach)
const onStudy = grantFor(caller, on.study('s1'))
const vitals = grantFor(
  { ...caller, scope: 'user/Observation.rs?category=vital-signs user/Patient.rs' },
  on.reach,
)
const vitalsOfP1 = grantFor(
  { ...caller, scope: 'user/Observation.rs?category=vital-signs user/Patient.rs' },
  on.patient('p1'),
)
const roster = grantFor(caller, on.study('s1'), false)
const organization = grantFor(caller, on.organization('o1'), false)
const newest = { order: 'newest', count: 50 } as const
const stretch = { from: '2026-10-03T00:00:00Z', before: '2026-10-06T00:00:00Z' }
const codes = [{ system: 'urn:types', code: 'b' }]

type Ask = (exchange: Exchange) => Promise<unknown>
const subjectIs = (reference: unknown) => (row: Row) =>
  row.resourceType === 'Observation' ? { ...row, subject: { reference } } : row
const only = (type: string, change: Record<string, unknown>) => (row: Row) =>
  row.resourceType === type ? { ...row, ...change } : row

const page: Ask = (exchange) => exchange.observations(onP1, newest)
const readRoster: Ask = (exchange) => exchange.roster(roster, 5000)
const readOrganization: Ask = (exchange) => exchange.roster(organization, 5000)

const wrong: [string, Ask, Faults, string][] = [
  ['ignores the patient of a search', page, { ignores: ['patient'] }, 'EXCHANGE_LEAK'],
  ['answers another patient', page, { alters: subjectIs('Patient/p5') }, 'EXCHANGE_LEAK'],
  [
    'answers a patient of another server',
    page,
    { alters: subjectIs('https://other.example/fhir/Patient/p1') },
    'EXCHANGE_LEAK',
  ],
  ['answers a subject by its identifier alone', page, { alters: subjectIs(undefined) }, 'EXCHANGE_LEAK'],
  ['answers a subject that is no patient', page, { alters: subjectIs('Group/p1') }, 'EXCHANGE_LEAK'],
  [
    'answers another type',
    page,
    { adds: [{ resource: { resourceType: 'Patient', id: 'p5' } }] },
    'EXCHANGE_LEAK',
  ],
  [
    'answers an entry without a resource',
    page,
    { adds: [{ search: { mode: 'match' } }] },
    'EXCHANGE_REJECTED',
  ],
  ['answers an id that is none', page, { alters: only('Observation', { id: '../x' }) }, 'EXCHANGE_REJECTED'],
  [
    'never ends',
    (exchange) => exchange.observations(onP1, { ...newest, count: 1000 }),
    { loops: true, largestPage: 5 },
    'EXCHANGE_REJECTED',
  ],
  [
    'ignores codes',
    (exchange) => exchange.observations(onP1, { ...newest, codes }),
    { ignores: ['code', 'combo-code'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'ignores dates',
    (exchange) => exchange.observations(onP1, { ...newest, ...stretch }),
    { ignores: ['date'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  ['ignores the order', page, { ignores: ['_sort'] }, 'NOT_SUPPORTED_BY_EXCHANGE'],
  [
    'answers another category',
    (exchange) => exchange.observations(vitalsOfP1, newest),
    { alters: only('Observation', { category: [{ coding: [{ code: 'laboratory' }] }] }) },
    'EXCHANGE_LEAK',
  ],
  [
    'answers no category',
    (exchange) => exchange.observations(vitalsOfP1, newest),
    { alters: only('Observation', { category: undefined }) },
    'EXCHANGE_LEAK',
  ],

  ['ignores the study of a roster', readRoster, { ignores: ['study'] }, 'EXCHANGE_LEAK'],
  [
    'answers the study of another server',
    readRoster,
    { alters: only('ResearchSubject', { study: { reference: 'https://other.example/ResearchStudy/s1' } }) },
    'EXCHANGE_LEAK',
  ],
  [
    'answers malformed enrolments',
    readRoster,
    { alters: only('ResearchSubject', { identifier: 'none' }) },
    'EXCHANGE_REJECTED',
  ],
  ['says more enrolments than it gives', readRoster, { total: (total) => total + 1 }, 'EXCHANGE_REJECTED'],
  ['says fewer enrolments than it gives', readRoster, { total: (total) => total - 1 }, 'EXCHANGE_REJECTED'],
  ['has a roster without end', readRoster, { loops: true }, 'EXCHANGE_REJECTED'],
  ['ignores the organization of a roster', readOrganization, { ignores: ['organization'] }, 'EXCHANGE_LEAK'],
  [
    'ignores the patient of enrolments',
    (exchange) => exchange.enrolments(roster, 'p1'),
    { ignores: ['patient'] },
    'EXCHANGE_LEAK',
  ],
  [
    'ignores the patient of a membership',
    (exchange) => exchange.enrolments(organization, 'p1'),
    { ignores: ['_id'] },
    'EXCHANGE_LEAK',
  ],

  [
    'ignores the ids of patients',
    (exchange) => exchange.patients(reach, {}),
    { ignores: ['_id'] },
    'EXCHANGE_LEAK',
  ],
  [
    'answers a member who was not asked for',
    (exchange) => exchange.patients(reach, {}, ['p1']),
    { alters: only('Patient', { id: 'p2' }) },
    'EXCHANGE_LEAK',
  ],
  [
    'ignores birth dates',
    (exchange) => exchange.patients(reach, { birthdate: ['lt1952-01-01'] }),
    { ignores: ['birthdate'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'ignores identifiers',
    (exchange) => exchange.patients(reach, { identifier: 'M2' }),
    { ignores: ['identifier'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'answers another patient than was read',
    (exchange) => exchange.patient(onP1),
    { alters: only('Patient', { id: 'p5' }) },
    'EXCHANGE_LEAK',
  ],

  [
    'ignores the ids of studies',
    (exchange) => exchange.studies(reach),
    { ignores: ['_id'] },
    'EXCHANGE_LEAK',
  ],

  [
    'counts without the patient',
    (exchange) => exchange.countObservations(reach, {}),
    { ignores: ['patient'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the code',
    (exchange) => exchange.countObservations(reach, { codes }),
    { ignores: ['code', 'combo-code'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the dates',
    (exchange) => exchange.countObservations(reach, stretch),
    { ignores: ['date'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the status',
    (exchange) => exchange.countPatientObservations(onP1, 'p1', {}),
    { ignores: ['status'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the category',
    (exchange) => exchange.countObservations(vitals, {}),
    { ignores: ['category'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without saying how many',
    (exchange) => exchange.countObservations(reach, {}),
    { total: () => undefined },
    'EXCHANGE_REJECTED',
  ],
]

describe.each(['R4', 'R5'] as const)('a server (%s) that', (version) => {
  it.each([...wrong, ...wrongOfMember])('%s', async (_, ask, faults, code) => {
    const server = await startHapi(version, faults)
    expect(await codeOf(ask(exchangeOf(server.baseUrl)))).toBe(code)
  })

  it.each([...wrong, ...wrongOfMember])(
    'is honest gets its answer through (control of: it %s)',
    async (_, ask) => {
      const server = await startHapi(version)
      await expect(ask(exchangeOf(server.baseUrl))).resolves.toBeDefined()
    },
  )

  it.each([
    ['name', { name: 'nobody' }],
    ['family', { family: 'Ada' }],
    ['given', { given: 'Angstrom' }],
  ] as const)('ignores %s finds nobody who has no such name', async (ignored, filter) => {
    const server = await startHapi(version, { ignores: [ignored] })
    const { patients } = await exchangeOf(server.baseUrl).patients(reach, filter)
    expect(patients).toEqual([])
    const everybody = await exchangeOf(server.baseUrl).patients(reach, {})
    expect(everybody.patients.length).toBeGreaterThan(1)
  })

  it('includes other resources or says something beside the matches gets its matches through', async () => {
    const adds = [
      { resource: { resourceType: 'Patient', id: 'p1' }, search: { mode: 'include' } },
      { resource: { resourceType: 'OperationOutcome', issue: [] }, search: { mode: 'outcome' } },
      { resource: { resourceType: 'OperationOutcome', issue: [] } },
    ]
    const server = await startHapi(version, { adds })
    const answer = await exchangeOf(server.baseUrl).observations(onP1, newest)
    expect(answer.observations).toHaveLength(13)
  })

  it.each(['p3', 'p5', 'p9'])(
    'is not asked for the observations of %s, who is no member',
    async (patient) => {
      const server = await startHapi(version)
      const exchange = exchangeOf(server.baseUrl)
      expect(await codeOf(exchange.patientObservations(onStudy, patient, newest))).toBe('FORBIDDEN')
      expect(await codeOf(exchange.patientObservations(onP1, 'p2', newest))).toBe('FORBIDDEN')
      expect(await codeOf(exchange.patientObservations(roster, 'p1', newest))).toBe('FORBIDDEN')
      expect(server.arrivals.filter(({ url }) => url.includes('Observation'))).toEqual([])
      const { observations } = await exchange.patientObservations(onStudy, 'p1', newest)
      expect(observations.length).toBeGreaterThan(0)
    },
  )

  it('writes references in full or with a version gets its answer through', async () => {
    const rows = ['Patient/p1', 'Patient/p1/_history/3', 'BASE/Patient/p1'].map((reference, index) =>
      observation(`o${index}`, 'p1', 'a', { note: [reference] }),
    )
    let base = ''
    const alters = (row: Row) => {
      const [reference = ''] = Array.isArray(row.note) ? row.note : []
      return { ...row, subject: { reference: String(reference).replace('BASE', base) } }
    }
    const server = await startHapi(version, { alters }, rows)
    base = server.baseUrl
    expect((await exchangeOf(base).observations(onP1, newest)).observations).toHaveLength(3)
  })

  it('makes nobody a member of whom it names only elsewhere', async () => {
    const person = version === 'R4' ? 'individual' : 'subject'
    const elsewhere = { [person]: { reference: 'https://other.example/fhir/Patient/p1' } }
    const server = await startHapi(version, { alters: only('ResearchSubject', elsewhere) })
    const read = await exchangeOf(server.baseUrl).roster(roster, 5000)
    expect(read.size).toBe(0)
  })

  it('refuses impossible values has shown that it knows the filter', async () => {
    const server = await startHapi(version, { refuses: 'no-such' })
    const exchange = exchangeOf(server.baseUrl)
    expect(await exchange.countPatientObservations(onP1, 'p1', {})).toEqual({ count: 12, excluded: 1 })
  })
})

/** The same faults, where the patient is one of many within the grant. */
const member: Ask = (exchange) => exchange.patientObservations(onStudy, 'p1', newest)
const wrongOfMember = wrong
  .filter(([, ask]) => ask === page)
  .map(([title, , faults, code]): (typeof wrong)[number] => [
    `${title}, asked for one of a study`,
    member,
    faults,
    code,
  ])

describe('the controls of counts', () => {
  const controlsOf = (arrivals: readonly { body: string }[]) =>
    arrivals.filter(({ body }) => body.includes('no-such') || body.includes('none'))

  it('are asked once per form in five minutes, and name nobody', async () => {
    const server = await startHapi('R4')
    let now = testNow
    const exchange = exchangeOf(server.baseUrl, { now: () => now })
    const ask = () => exchange.countObservations(reach, { codes: [{ system: 'urn:types', code: 'a' }] })
    await Promise.all([ask(), ask()])
    await ask()
    expect(controlsOf(server.arrivals)).toHaveLength(3)
    for (const { body } of controlsOf(server.arrivals)) expect(body).not.toMatch(/Patient%2Fp\d/)
    now += 300_000
    await ask()
    expect(controlsOf(server.arrivals)).toHaveLength(6)
  })

  it('are not asked where there is nothing to count, and are not taken for proven then', async () => {
    const rows = cohort('R4')
    const server = await startHapi(
      'R4',
      { ignores: ['patient', 'code', 'combo-code'] },
      rows.filter((row) => row.resourceType !== 'Observation'),
    )
    const exchange = exchangeOf(server.baseUrl)
    expect(await exchange.countObservations(reach, {})).toEqual({ count: 0, excluded: 0 })
    expect(controlsOf(server.arrivals)).toEqual([])
  })
})
