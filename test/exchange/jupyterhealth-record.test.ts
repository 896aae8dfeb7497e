import { describe, expect, it } from 'vitest'
import type { Target } from '../../src/access/target.ts'
import type { ResourceQuery } from '../../src/exchange/exchange.ts'
import { leftOutOf } from '../../src/fhir/people/left-out.ts'
import { grantFor, on, type TestCaller } from './grants.ts'
import { idOf, imported, startWithImports } from './jupyterhealth-imports.ts'
import { codeOf } from './opened.ts'

const grantOn = (caller: TestCaller, target: Target, type: string) => grantFor(caller, target, true, type)
const byOrganization = { organizations: { '20009': ['40006', '40007'] } }
const patient = on.patient('40007')
const onCondition = grantOn(byOrganization, patient, 'Condition')
const snomed = (code: string, display: string) => ({
  coding: [{ system: 'http://snomed.info/sct', code, display }],
})
const state = (code: string) => ({ clinicalStatus: { coding: [{ code }] } })
const conditions = [
  imported(1, 'Condition', { ...state('active'), code: snomed('1', 'One'), recordedDate: '2026-01-10' }),
  imported(
    2,
    'Condition',
    { ...state('resolved'), code: snomed('2', 'Two'), recordedDate: '2026-02-01T23:30:00-08:00' },
    { source: 8 },
  ),
  imported(3, 'Condition', { ...state('active'), code: snomed('3', 'Three') }),
  imported(4, 'Condition', {
    ...state('active'),
    code: snomed('4', 'Four'),
    recordedDate: '2026-02-02T06:00:00Z',
    onsetPeriod: { start: '2025-01-01' },
  }),
  imported(5, 'Condition', { ...state('active'), code: snomed('5', 'Five') }, { patient: 40008 }),
]
const ids = (found: readonly { readonly id?: string }[]) => found.map(({ id }) => id)

describe('the imported records of a JupyterHealth Exchange', () => {
  const search = async (query: Partial<ResourceQuery> = {}) => {
    const { as } = await startWithImports(conditions)
    return as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10, ...query })
  }

  it('are listed newest first, undated last, and are the patient’s by the id of the exchange', async () => {
    const { resources, total } = await search()
    expect(ids(resources)).toEqual([2, 4, 1, 3].map(idOf))
    expect(total).toBe(4)
    expect(leftOutOf(resources[0] ?? {})).toBeUndefined()
    expect(resources[0]).toEqual({
      resourceType: 'Condition',
      id: idOf(2),
      meta: { source: 'https://jupyterhealth.org/fhir/fhir-source/8' },
      clinicalStatus: { coding: [{ code: 'resolved' }] },
      code: snomed('2', 'Two'),
      recordedDate: '2026-02-01T23:30:00-08:00',
      subject: { reference: 'Patient/40007' },
    })
  })

  it.each([
    [{ 'clinical-status': 'active' }, [4, 1, 3]],
    [{ code: ['http://snomed.info/sct|1', '2'] }, [2, 1]],
    [{ code: 'http://loinc.org|1' }, []],
    // 2026-02-02T07:30:00Z: the exchange compares texts and would not find it.
    [{ 'recorded-date': 'ge2026-02-02' }, [2, 4]],
    [{ 'recorded-date': '2026-02-02' }, [2, 4]],
    [{ 'recorded-date': 'le2026-01-10' }, [1]],
    [{ 'recorded-date': 'lt2026-01-10' }, []],
    [{ 'recorded-date': ['gt2026-01-10', 'lt2026-02-02T07:00:00Z'] }, [4]],
    [{ 'recorded-date': '2026-02-02T06:00:00Z' }, [4]],
    [{ 'onset-date': 'ge2026' }, [4]],
    [{ 'onset-date': 'eq2025' }, []],
    [{ severity: 'x' }, []],
  ])('are searched here by %j', async (conditions, found) => {
    const { resources, total } = await search({ search: conditions })
    expect(ids(resources)).toEqual(found.map(idOf))
    expect(total).toBe(found.length)
  })

  it('come in pages, which go on behind the last record that was given', async () => {
    const { as, server } = await startWithImports(conditions)
    const exchange = as('northlake_member')
    const ask = (position?: string) =>
      exchange.search(onCondition, 'Condition', {
        search: {},
        count: 2,
        ...(position === undefined ? {} : { position }),
      })
    const first = await ask()
    expect(ids(first.resources)).toEqual([2, 4].map(idOf))
    expect(ids((await ask(first.positionAfter(1))).resources)).toEqual([4, 1].map(idOf))
    const position = first.positionAfter(2)
    server.cohort.imports.push(imported(6, 'Condition', { recordedDate: '2026-03-01' }))
    const second = await ask(position)
    expect(ids(second.resources)).toEqual([1, 3].map(idOf))
    expect(second.positionAfter(2)).toBeUndefined()
    expect(await codeOf(ask('elsewhere'))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(ask('[1]'))).toBe('INVALID_ARGUMENT')
  })

  it('are read by their id, within the patient', async () => {
    const { as, server } = await startWithImports(conditions)
    const exchange = as('northlake_member')
    expect(await exchange.read(onCondition, 'Condition', idOf(1))).toMatchObject({ id: idOf(1) })
    expect(await codeOf(exchange.read(onCondition, 'Condition', idOf(5)))).toBe('FORBIDDEN')
    expect(await codeOf(exchange.read(onCondition, 'Condition', idOf(9)))).toBe('FORBIDDEN')
    server.reset()
    expect(await codeOf(exchange.read(onCondition, 'Condition', '60010'))).toBe('FORBIDDEN')
    expect(server.requests).toEqual([])
    server.misbehave(() => ({ kind: 'ignore', parameters: ['_id'] }))
    expect(await codeOf(exchange.read(onCondition, 'Condition', idOf(1)))).toBe('NOT_SUPPORTED_BY_EXCHANGE')
  })

  it('are a patient user’s own, who is asked for by no other id', async () => {
    const own = [imported(7, 'Condition', {}, { patient: 40006 }), ...conditions]
    const { as } = await startWithImports(own)
    const on40006 = grantOn({ patient: '40006' }, on.patient('40006'), 'Condition')
    const { resources } = await as('patient01').search(on40006, 'Condition', { search: {}, count: 10 })
    expect(ids(resources)).toEqual([idOf(7)])
    expect(await codeOf(as('patient01').read(on40006, 'Condition', idOf(1)))).toBe('FORBIDDEN')
  })

  it.each([
    ['within reach only by a study', { studies: { '30006': ['40007'] } }],
    ['within reach only by two studies', { studies: { '30006': ['40007'], '30007': ['40007'] } }],
  ])('are refused of a patient %s, without a request', async (_, caller) => {
    const { as, server } = await startWithImports(conditions)
    const grant = grantOn(caller, patient, 'Condition')
    const query = { search: {}, count: 10 }
    expect(await codeOf(as('northlake_member').search(grant, 'Condition', query))).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
    expect(await codeOf(as('northlake_member').read(grant, 'Condition', idOf(1)))).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
    expect(server.requests).toEqual([])
  })

  it('are given by an organization, beside a study', async () => {
    const { as } = await startWithImports(conditions)
    const grant = grantOn({ ...byOrganization, studies: { '30006': ['40007'] } }, patient, 'Condition')
    expect((await as('northlake_member').search(grant, 'Condition', { search: {}, count: 10 })).total).toBe(4)
  })

  it.each(['MedicationStatement', 'Device'] as const)('are none of type %s', async (type) => {
    const { as } = await startWithImports(conditions)
    const grant = grantOn(byOrganization, patient, type)
    const asked = as('northlake_member').search(grant, type, { search: {}, count: 10 })
    expect(await codeOf(asked)).toBe('NOT_SUPPORTED_BY_EXCHANGE')
  })

  it.each(['AllergyIntolerance', 'Immunization'] as const)(
    'are the patient’s by the owner of %s',
    async (type) => {
      const record = imported(8, type, { patient: { reference: 'Patient/ePt1', display: 'Somebody' } })
      const { as } = await startWithImports([record])
      const page = await as('northlake_member').search(grantOn(byOrganization, patient, type), type, {
        search: {},
        count: 10,
      })
      expect(page.resources[0]).toMatchObject({ patient: { reference: 'Patient/40007' } })
      expect(JSON.stringify(page)).not.toContain('Somebody')
    },
  )

  it('say nothing of others, nor the name of the patient, and know the patient by the id elsewhere', async () => {
    const record = imported(9, 'Condition', {
      subject: { reference: 'Patient/ePt1', display: 'Teodor Alderbrook' },
      extension: [{ url: 'urn:other', valueString: 'kept' }],
      participant: [
        { actor: { reference: 'Patient/ePt1' } },
        { actor: { reference: 'Patient/40006' } },
        { actor: { reference: 'RelatedPerson/r1', display: 'A sister' } },
        { actor: { reference: 'not-found:p9' } },
        { actor: { reference: 'Practitioner/p1', display: 'A doctor' } },
      ],
    })
    const { as } = await startWithImports([record])
    const page = await as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10 })
    const [found] = page.resources
    expect(leftOutOf(found ?? {})).toEqual({ references: 3, contained: 0, attachments: 0, characters: 0 })
    expect(found).toMatchObject({
      extension: [{ url: 'urn:other', valueString: 'kept' }],
      participant: [
        { actor: { reference: 'Patient/40007' } },
        {},
        {},
        {},
        { actor: { reference: 'Practitioner/p1', display: 'A doctor' } },
      ],
    })
    const text = JSON.stringify(page)
    expect(text).not.toMatch(/Alderbrook|sister|40006|ePt1|patient-id|r1"/)
  })

  it('are left out where they are about something else than a person', async () => {
    const about = (n: number, reference: string) => imported(n, 'Condition', { subject: { reference } })
    const { as } = await startWithImports([
      about(1, 'Group/g1'),
      about(2, 'https://ehr.example/fhir/Device/d1'),
      about(3, 'https://ehr.example/fhir/Patient/x'),
      about(4, 'not-found:x'),
      imported(5, 'Condition', { subject: { display: 'nobody said' } }),
    ])
    const page = await as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10 })
    expect(ids(page.resources).sort()).toEqual([3, 4, 5].map(idOf))
  })
})

type Body = { total?: number; entry: { resource?: Record<string, unknown> }[] }

describe('an exchange whose imported records are not as they have to be', () => {
  const stamp = 'https://jupyterhealth.org/fhir/StructureDefinition/patient-id'
  const changes: readonly (readonly [string, string, (body: Body) => unknown])[] = [
    [
      'are of another patient',
      'EXCHANGE_LEAK',
      (body) => withExtension(body, [{ url: stamp, valueInteger: 40008 }]),
    ],
    ['do not say whose they are', 'EXCHANGE_LEAK', (body) => withExtension(body, [])],
    [
      'say twice whose they are',
      'EXCHANGE_LEAK',
      (body) =>
        withExtension(
          body,
          [40007, 40008].map((valueInteger) => ({ url: stamp, valueInteger })),
        ),
    ],
    ['have no list of extensions', 'EXCHANGE_LEAK', (body) => with1(body, { extension: 'x' })],
    ['are of another type', 'EXCHANGE_LEAK', (body) => with1(body, { resourceType: 'Procedure' })],
    ['were not imported', 'NOT_SUPPORTED_BY_EXCHANGE', (body) => with1(body, { meta: {} })],
    [
      'come from elsewhere',
      'NOT_SUPPORTED_BY_EXCHANGE',
      (body) => with1(body, { meta: { source: 'https://jupyterhealth.org/fhir/fhir-source/7/x' } }),
    ],
    ['have no id', 'EXCHANGE_REJECTED', (body) => with1(body, { id: undefined })],
    ['are no resources', 'EXCHANGE_REJECTED', (body) => ({ ...body, entry: [{}] })],
    ['have no total', 'EXCHANGE_REJECTED', ({ total: _, ...body }) => body],
    ['are more than the total', 'EXCHANGE_REJECTED', (body) => ({ ...body, total: 0 })],
    ['are more than can be read', 'NOT_SUPPORTED_BY_EXCHANGE', (body) => ({ ...body, total: 10_001 })],
  ]
  it.each(changes)('which %s answers nothing (%s)', async (_, code, change) => {
    const { as, server } = await startWithImports([imported(1, 'Condition', { recordedDate: '2026-01-10' })])
    const ask = () => as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10 })
    expect((await ask()).total).toBe(1)
    server.misbehave((request) =>
      request.path.includes('/Condition?')
        ? { kind: 'rewrite', change: (body) => change(body as Body) }
        : undefined,
    )
    expect(await codeOf(ask())).toBe(code)
  })

  it('which are fewer than the total are given as what they are', async () => {
    const { as, server } = await startWithImports([imported(1, 'Condition', { recordedDate: '2026-01-10' })])
    let asked = 0
    server.misbehave(({ path }) => {
      if (!path.includes('/Condition?')) return undefined
      asked += 1
      return { kind: 'rewrite', change: (body) => ({ ...(body as Body), total: 3 }) }
    })
    const page = await as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10 })
    expect([ids(page.resources), page.total, page.gaps, asked]).toEqual([[idOf(1)], undefined, ['fewer'], 1])
  })

  it('which ignores the patient answers nothing', async () => {
    const { as, server } = await startWithImports(conditions)
    server.misbehave(() => ({ kind: 'ignore', parameters: ['patient'] }))
    const asked = as('northlake_member').search(onCondition, 'Condition', { search: {}, count: 10 })
    expect(await codeOf(asked)).toBe('EXCHANGE_LEAK')
  })
})

function with1(body: Body, members: Record<string, unknown>): unknown {
  return { ...body, entry: body.entry.map(({ resource }) => ({ resource: { ...resource, ...members } })) }
}

function withExtension(body: Body, extension: readonly unknown[]): unknown {
  return with1(body, { extension })
}
