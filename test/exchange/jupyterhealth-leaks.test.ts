import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/exchange/exchange.ts'
import { grantFor, on } from './grants.ts'
import type { Row } from './hapi-stand-in.ts'
import { code, type JupyterHealthFaults, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { codeOf, exchangeOf } from './opened.ts'

const all = ['sleep:1', 'rate:1', 'rate:2'].map(code)
const caller = {
  studies: { '30': ['41', '42', '43'] },
  organizations: { '20': ['41', '42'] },
  requested: { '30': all },
}
const on41 = grantFor(caller, on.patient('41'))
const onStudy = grantFor(caller, on.study('30'))
const sleepStudy = { studies: { '32': ['41', '42'] }, requested: { '32': [code('sleep:1')] } }
const onSleep = grantFor(sleepStudy, on.patient('41'))
const onOrganization = grantFor(caller, on.organization('20'))
const reach = grantFor(caller, on.reach)
const roster = grantFor(caller, on.study('30'), false)
const newest = { order: 'newest', count: 50 } as const
const study = 'patient._has:Group:member:_id'
const codes = [code('rate:1')]
const more = [...codes, code('rate:2')]
const days = { from: '2026-10-02T00:00:00Z', before: '2026-10-05T00:00:00Z' }
const hours = { from: '2026-10-02T13:00:00Z', before: '2026-10-04T11:00:00Z' }

type Ask = (exchange: Exchange) => Promise<unknown>
const only = (type: string, change: Record<string, unknown>) => (row: Row) =>
  row.resourceType === type ? { ...row, ...change } : row
const page: Ask = (exchange) => exchange.observations(on41, newest)

const wrong: [string, Ask, JupyterHealthFaults, string][] = [
  ['ignores the patient of a search', page, { ignores: ['patient'] }, 'EXCHANGE_LEAK'],
  [
    'answers another patient',
    page,
    { alters: only('Observation', { subject: { reference: 'Patient/44' } }) },
    'EXCHANGE_LEAK',
  ],
  [
    'answers a patient of another server',
    page,
    { alters: only('Observation', { subject: { reference: 'https://other.example/FHIR/R5/Patient/41' } }) },
    'EXCHANGE_LEAK',
  ],
  [
    'answers another type',
    page,
    { alters: only('Observation', { resourceType: 'Condition' }) },
    'EXCHANGE_LEAK',
  ],
  ['says more than it gives', page, { total: (total) => total + 1 }, 'EXCHANGE_REJECTED'],
  ['says fewer than it gives', page, { total: (total) => total - 1 }, 'EXCHANGE_REJECTED'],
  ['does not say how many', page, { total: () => undefined }, 'EXCHANGE_REJECTED'],
  ['ignores the order', page, { ignores: ['_sort'] }, 'NOT_SUPPORTED_BY_EXCHANGE'],
  [
    'ignores codes',
    (exchange) => exchange.observations(on41, { ...newest, codes }),
    { ignores: ['code'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'ignores dates',
    (exchange) => exchange.observations(on41, { ...newest, ...days }),
    { ignores: ['date'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'takes instants for days',
    (exchange) => exchange.observations(on41, { ...newest, ...hours }),
    { wholeDays: true },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],

  [
    'ignores the patients of a search',
    (exchange) => exchange.patients(reach, {}, ['41']),
    { ignores: ['_id'] },
    'EXCHANGE_LEAK',
  ],
  [
    'ignores the study of a search',
    (exchange) => exchange.patients(onStudy, {}),
    { ignores: [study] },
    'EXCHANGE_LEAK',
  ],
  [
    'ignores the organization of a search',
    (exchange) => exchange.patients(onOrganization, {}),
    { ignores: ['patient.organization'] },
    'EXCHANGE_LEAK',
  ],
  [
    'ignores birth dates',
    (exchange) => exchange.patients(onStudy, { birthdate: ['ge1970-01-01'] }),
    { ignores: ['birthdate'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'ignores identifiers',
    (exchange) => exchange.patients(onStudy, { identifier: 'NL-9' }),
    { ignores: ['identifier'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'ignores the patient of a membership',
    (exchange) => exchange.enrolments(roster, '41'),
    { ignores: ['_id'] },
    'EXCHANGE_LEAK',
  ],
  [
    'says more members than it gives',
    (exchange) => exchange.roster(roster, 5000),
    { total: (total) => total + 1 },
    'EXCHANGE_REJECTED',
  ],
  [
    'says a boundless number of members',
    (exchange) => exchange.roster(roster, Number.POSITIVE_INFINITY),
    { total: () => Number.MAX_SAFE_INTEGER },
    'EXCHANGE_REJECTED',
  ],
  [
    'says the same member twice',
    (exchange) => exchange.roster(roster, 5000),
    { alters: only('Patient', { id: '41' }) },
    'EXCHANGE_REJECTED',
  ],

  [
    'counts without the patient',
    (exchange) => exchange.countPatientObservations(on41, '41', {}),
    { ignores: ['patient'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the study',
    (exchange) => exchange.countObservations(onStudy, {}),
    { ignores: [study] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts a patient of a study without the study',
    (exchange) => exchange.countPatientObservations(onSleep, '41', {}),
    { ignores: [study] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts a patient of a study without the patient',
    (exchange) => exchange.countPatientObservations(onSleep, '41', {}),
    { ignores: ['patient'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'gives types that the study did not request',
    (exchange) => exchange.observations(onSleep, newest),
    { ignores: [study] },
    'EXCHANGE_LEAK',
  ],
  [
    'gives a type of another system as one that the study requested',
    (exchange) => exchange.observations(onSleep, newest),
    { alters: only('Observation', { code: { coding: [{ system: 'urn:other', code: 'sleep:1' }] } }) },
    'EXCHANGE_LEAK',
  ],
  [
    'lists what another study requested',
    (exchange) => exchange.requestedTypes(roster),
    { altersRequests: (rows) => rows.map((row) => ({ ...row, study: { id: 31 } })) },
    'EXCHANGE_LEAK',
  ],
  [
    'lists a type without its system',
    (exchange) => exchange.requestedTypes(roster),
    { altersRequests: ([first, ...rows]) => [{ ...first, scopeCode: { codingCode: 'sleep:1' } }, ...rows] },
    'EXCHANGE_REJECTED',
  ],
  [
    'lists the types that a study requested in another form',
    (exchange) => exchange.requestedTypes(roster),
    { altersRequests: (rows) => ({ results: rows }) },
    'EXCHANGE_REJECTED',
  ],
  [
    'counts without the code',
    (exchange) => exchange.countPatientObservations(on41, '41', { codes }),
    { ignores: ['code'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the dates',
    (exchange) => exchange.countPatientObservations(on41, '41', days),
    { ignores: ['date'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts without the status',
    (exchange) => exchange.countPatientObservations(on41, '41', {}),
    { ignores: ['status'] },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'counts whole days for instants',
    (exchange) => exchange.countPatientObservations(on41, '41', hours),
    { wholeDays: true },
    'NOT_SUPPORTED_BY_EXCHANGE',
  ],
  [
    'gives others while a second code is counted',
    (exchange) => exchange.countObservations(onOrganization, { codes: more }),
    { alters: only('Observation', { subject: { reference: 'Patient/44' } }) },
    'EXCHANGE_LEAK',
  ],
]

/** The same faults, where the patient is one of many within the grant. */
const member: Ask = (exchange) => exchange.patientObservations(onStudy, '41', newest)
const wrongOfMember = wrong
  .filter(([, ask]) => ask === page)
  .map(([title, , faults, code]): (typeof wrong)[number] => [
    `${title}, asked for one of a study`,
    member,
    faults,
    code,
  ])

describe('a JupyterHealth Exchange that', () => {
  it.each([...wrong, ...wrongOfMember])('%s', async (_, ask, faults, code) => {
    const server = await startJupyterHealth(faults)
    expect(await codeOf(ask(exchangeOf(server.baseUrl)))).toBe(code)
  })

  it.each([...wrong, ...wrongOfMember])(
    'is honest gets its answer through (control of: it %s)',
    async (_, ask) => {
      const server = await startJupyterHealth()
      await expect(ask(exchangeOf(server.baseUrl))).resolves.toBeDefined()
    },
  )

  it.each(['44', '45', 'x'])('is not asked for the observations of %s, who is no member', async (patient) => {
    const server = await startJupyterHealth()
    const exchange = exchangeOf(server.baseUrl)
    expect(await codeOf(exchange.patientObservations(onStudy, patient, newest))).toBe('FORBIDDEN')
    expect(await codeOf(exchange.patientObservations(on41, '42', newest))).toBe('FORBIDDEN')
    expect(await codeOf(exchange.patientObservations(roster, '41', newest))).toBe('FORBIDDEN')
    expect(server.arrivals.filter(({ url }) => url.includes('Observation'))).toEqual([])
    const { observations } = await exchange.patientObservations(onStudy, '42', newest)
    expect(observations.length).toBeGreaterThan(0)
  })

  it('lists studies of others has them passed over', async () => {
    const server = await startJupyterHealth({ ignores: ['_id'] })
    const { studies } = await exchangeOf(server.baseUrl).studies(reach)
    expect(studies.map(({ id }) => id)).toEqual(['30'])
  })
})
