import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../plugins/index.ts'
import { compartmentRule, compartmentTypes } from '../../src/fhir/compartment.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  type Fault,
  permissionsClaim,
  startExchange,
  syntheticCohort,
  type TestExchange,
} from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { record } from '../tools/record.ts'
import { patientsIn } from './answers.ts'
import { stopClock } from './clock.ts'
import { type Answered, type AttackedGateway, startAttacked } from './gateway.ts'
import { type Signer, startSigner } from './signer.ts'

let clock: ReturnType<typeof stopClock>
let signer: Signer
let exchange: TestExchange<AnyResource[]>
let gateway: AttackedGateway
let token: string

/** Encounters are left out: a type that could be allowed and is not. */
const types = compartmentTypes.filter((type) => type !== 'Encounter')

const tokenOf = (claims: object = {}) =>
  signer.token(signer.claims({ ...permissionsClaim({ studies: ['study-a'] }), ...claims }))

beforeAll(async () => {
  clock = stopClock()
  signer = await startSigner()
  const cohort = [...syntheticCohort(), ...record('R4')]
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort })
  const fhir = { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types } as const
  gateway = await startAttacked(signer, { fhir }, (app) => {
    app.fhirMcp.tool(sideways)
  })
  token = tokenOf()
})
beforeEach(() => exchange.reset())
afterAll(async () => {
  clock.release()
  await Promise.all([gateway.close(), exchange.close(), signer.close()])
})

/** An own tool whose decision is on Conditions, and which asks for something else. */
const sideways = defineTool({
  name: 'sideways',
  title: 'Sideways',
  description: 'Asks for another type than was decided on.',
  input: z.strictObject({ type: z.enum(compartmentTypes), name: z.string().default('status') }),
  output: 'object',
  rule: { needs: [{ types: ['Condition'] }], patients: true },
  subject: () => ({ kind: 'patient', patient: 'pat-1', study: undefined }),
  async run({ type, name }, { exchange: asked, grant }) {
    const search = name === 'status' ? {} : { [name]: 'x' }
    const page = await asked.search(grant, type, { search, count: 5 })
    return { structured: { found: page.resources.length }, text: `${page.resources.length}` }
  },
})

const search = (given: object = {}, bearer = token) =>
  gateway.call(bearer, 'search_fhir', { patient_id: 'pat-1', type: 'Condition', ...given })
const read = (id: string, given: object = {}, bearer = token) =>
  gateway.call(bearer, 'read_fhir', { patient_id: 'pat-1', type: 'Condition', id, ...given })

const misbehave = (type: string, fault: Fault) =>
  exchange.misbehave((request) => (request.path.startsWith(`/fhir/${type}`) ? fault : undefined))

function hasCode(answer: Answered, code: string) {
  expect(answer.code, answer.body).toBe(code)
  expect(answer.body).not.toContain('pat-10')
  expect(answer.body).not.toContain('Secretova')
}

const asked = () => exchange.requests.map((request) => request.path.split('?')[0])

describe('the tools on the record of a patient', () => {
  it('are not there unless a type is allowed', async () => {
    const plain = await startAttacked(signer, { fhir: { baseUrl: exchange.url, credentials: 'none' } })
    const names = (await plain.tools(token)).map(({ name }) => name)
    expect(names).not.toContain('search_fhir')
    expect(names).not.toContain('read_fhir')
    for (const tool of ['search_fhir', 'read_fhir']) {
      const answer = await plain.call(token, tool, { patient_id: 'pat-1', type: 'Condition', id: 'x' })
      expect(answer.isError).toBe(true)
      expect(answer.body).toContain('Unknown tool')
    }
    expect(exchange.count).toBe(0)
    await plain.close()
    // The control: where one is allowed they are.
    expect((await gateway.tools(token)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['search_fhir', 'read_fhir']),
    )
  })

  it('know the types that are allowed, and no others', async () => {
    for (const type of [
      'Encounter',
      'Patient',
      'Observation',
      'condition',
      'Condition/',
      '*',
      '../Condition',
    ]) {
      hasCode(await search({ type }), 'INVALID_ARGUMENT')
      hasCode(await read('x', { type }), 'INVALID_ARGUMENT')
    }
    expect(exchange.count).toBe(0)
    expect((await search()).isError).toBe(false)
  })

  it.each([
    ['a patient', 'Patient'],
    ['a type that does not exist', 'Conditions'],
  ])('cannot be configured for %s', async (_, type) => {
    const fhir = { baseUrl: exchange.url, credentials: 'none', types: [type] } as never
    await expect(startAttacked(signer, { fhir })).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
  })
})

describe('a search that is more than one of the list', () => {
  const names = [
    ...['patient', 'subject', 'Patient', 'PATIENT', 'patient:Patient', 'patient:identifier', 'patient.name'],
    ...['subject:Patient._id', 'subject.name', 'asserter', 'encounter', 'asserter.name', 'evidence-detail'],
    ...['_has:Observation:patient:code', '_include', '_include:iterate', '_revinclude', '_filter', '_query'],
    ...[
      '_content',
      '_text',
      '_contained',
      '_containedType',
      '_profile',
      '_tag',
      '_security',
      '_source',
      '_list',
    ],
    ...['_id', '_lastUpdated', '_sort', '_count', '_total', '_summary', '_elements', '_format', '_pretty'],
    ...['_getpages', '_getpagesoffset', '_offset', '_type', '_since', '_cursor'],
    ...[
      'code:not',
      'code:text',
      'code:in',
      'code:missing',
      'code:of-type',
      'code:above',
      'clinical-status:not',
    ],
    ...['code&patient', 'code=x&patient', 'code%26patient', 'pati%65nt', 'code#', 'code?', 'code ', ' code'],
    ...['сode', 'cоde', 'code\u0000', 'code\u200b', 'ｃｏｄｅ', 'CODE', 'Code', '', '.', 'constructor'],
    ...['__proto__', 'toString', 'hasOwnProperty', 'clinicalStatus', 'code\r\nX-Header'],
  ]

  it.each(names)('%j is refused, and nothing is sent', async (name) => {
    const given = JSON.parse(`{${JSON.stringify(name)}: "Patient/pat-10"}`)
    const direct = await search({ search: given })
    // What JSON calls __proto__ is refused before it is anybody's argument.
    if (name === '__proto__') expect(direct.isError).toBe(true)
    else hasCode(direct, 'INVALID_ARGUMENT')
    const list = JSON.parse(`{${JSON.stringify(name)}: ["a", "b"]}`)
    expect((await search({ search: list })).isError).toBe(true)
    expect(exchange.count).toBe(0)
  })

  it('by a name that stands in no list is refused, whatever it is', async () => {
    const listed = Object.keys(compartmentRule('Condition').searches)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 30 }), async (name) => {
        fc.pre(!listed.includes(name) && name !== '__proto__')
        hasCode(await search({ search: { [name]: 'x' } }), 'INVALID_ARGUMENT')
        expect(exchange.count).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  const tokens = [
    ...[
      '',
      ' ',
      '|',
      'a|',
      '|a',
      'a,b',
      'a\\,b',
      'http://x|a,http://x|b',
      'a$b',
      'a\\',
      'a||b',
      'http://x|a|b',
    ],
    ...[
      'a&patient=Patient/pat-10',
      '%7C',
      '*',
      '_',
      '-',
      'a\nb',
      'a\tb',
      'a\u0000',
      'a\u202eb',
      'urn:x| ',
      'x'.repeat(257),
    ],
  ]
  it.each(tokens.filter((value) => value !== 'a&patient=Patient/pat-10' && value !== '%7C'))(
    'the token %j is refused, and nothing is sent',
    async (value) => {
      hasCode(await search({ search: { code: value } }), 'INVALID_ARGUMENT')
      hasCode(await search({ search: { code: ['ok', value] } }), 'INVALID_ARGUMENT')
      expect(exchange.count).toBe(0)
    },
  )

  it.each([
    ...[
      '',
      '2026,2027',
      'ne2026',
      'sa2026',
      'eb2026',
      'ap2026',
      'ge',
      'gege2026',
      '2026-13',
      '2026-02-30',
      '26',
    ],
    ...[
      '2026-01-01T10:00:00',
      '2026-01-01T10:00Z',
      '2026-01-01T10',
      '2026|2027',
      '2026&patient=Patient/pat-10',
    ],
    ...['GE2026', ' 2026', '2026 ', '2026-1-1', '$today', '2026\\', '٢٠٢٦', '2026-01-01T10:00:00+0200'],
  ])('the date %j is refused, and nothing is sent', async (value) => {
    hasCode(await search({ search: { 'onset-date': value } }), 'INVALID_ARGUMENT')
    expect(exchange.count).toBe(0)
  })

  it('of too much is refused', async () => {
    hasCode(await search({ search: { code: Array.from({ length: 21 }, () => 'a') } }), 'INVALID_ARGUMENT')
    hasCode(await search({ search: { code: [] } }), 'INVALID_ARGUMENT')
    hasCode(await search({ search: { 'onset-date': ['2020', '2021', '2022'] } }), 'INVALID_ARGUMENT')
    hasCode(await search({ search: { code: { ne: 'x' } } }), 'INVALID_ARGUMENT')
    hasCode(await search({ search: 'code=x' }), 'INVALID_ARGUMENT')
    hasCode(await search({ search: ['code'] }), 'INVALID_ARGUMENT')
    hasCode(await search({ _filter: 'x' }), 'INVALID_ARGUMENT')
    expect(exchange.count).toBe(0)
  })

  it('goes out as the parameters that were meant, whatever the value is', async () => {
    const inside = fc.string({ unit: 'binary', maxLength: 40 })
    const sent = new Set<string>()
    await search()
    await fc.assert(
      fc.asyncProperty(inside, async (value) => {
        exchange.reset()
        const answer = await search({ search: { code: value } })
        if (answer.code === 'INVALID_ARGUMENT') {
          expect(exchange.count).toBe(0)
          return
        }
        expect(answer.isError, answer.body).toBe(false)
        for (const { path: line } of exchange.requests) {
          const pairs = [...new URL(line, exchange.origin).searchParams]
          const names = pairs.map(([name]) => name).sort()
          expect(names).toEqual(['_count', '_pretty', '_sort', '_total', 'code', 'patient'])
          expect(pairs).toContainEqual(['patient', 'Patient/pat-1'])
          expect(pairs).toContainEqual(['code', value])
        }
        sent.add(value)
      }),
      { numRuns: 200, examples: [['a&patient=Patient/pat-10'], ['%7C'], ['%2C'], ['a=b'], ['a;b'], ['a+b']] },
    )
    // The control: values got through.
    expect(sent.size).toBeGreaterThan(5)
  })
})

describe('the patient of a search', () => {
  it('who is forbidden costs rosters alone, then nothing, and none names the patient', async () => {
    const fresh = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: [...types] },
    })
    const given = { patient_id: 'pat-10', type: 'Condition' }
    hasCode(await fresh.call(token, 'search_fhir', given), 'FORBIDDEN')
    expect(asked()).not.toContain('/fhir/Condition')
    expect(JSON.stringify(exchange.requests)).not.toContain('pat-10')
    exchange.reset()
    for (const patient_id of ['pat-10', 'pat-13', 'no-such']) {
      hasCode(await fresh.call(token, 'search_fhir', { ...given, patient_id }), 'FORBIDDEN')
      hasCode(await fresh.call(token, 'read_fhir', { ...given, patient_id, id: 'x' }), 'FORBIDDEN')
    }
    expect(exchange.count).toBe(0)
    expect((await fresh.call(token, 'search_fhir', { ...given, patient_id: 'pat-1' })).isError).toBe(false)
    await fresh.close()
  })

  it('is asked for in every request, beside the id of a read', async () => {
    expect((await read('pat-1-condition-2')).isError).toBe(false)
    const foreign = await read('pat-10-condition-2')
    const missing = await read('no-such')
    hasCode(foreign, 'FORBIDDEN')
    expect(foreign.body).toBe(missing.body)
    const queries = exchange.requests.filter((one) => one.path.startsWith('/fhir/Condition'))
    expect(queries).toHaveLength(3)
    for (const one of queries) expect(one.path).toContain('patient=Patient%2Fpat-1&')
  })

  it.each([
    '../Patient/pat-10',
    'Patient/pat-10',
    'Encounter/x',
    'x?patient=y',
    'x/_history/1',
    'a,b',
    '',
    '.',
    '..',
  ])('is not got round by the id %j', async (id) => {
    hasCode(await read(id), 'INVALID_ARGUMENT')
    expect(exchange.count).toBe(0)
  })
})

describe('scopes', () => {
  const scoped = (scope: string, more: object = {}) => tokenOf({ scope, ...more })
  const all = 'user/Patient.rs user/ResearchStudy.rs user/Observation.rs'

  it('have to cover the very type that is asked for, and the answer names it', async () => {
    const bearer = scoped(`${all} user/Procedure.rs`)
    for (const answer of [await search({}, bearer), await read('x', {}, bearer)]) {
      expect(answer.status).toBe(403)
      expect(answer.code).toBe('INSUFFICIENT_SCOPE')
    }
    expect(exchange.count).toBe(0)
    const response = await gateway.app.inject({
      method: 'POST',
      url: '/mcp',
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      payload: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'search_fhir', arguments: { patient_id: 'pat-1', type: 'Condition' } },
      },
    })
    expect(response.headers['www-authenticate']).toContain('user/Condition.rs')
    expect(response.headers['www-authenticate']).not.toContain('user/Procedure.rs')
    expect(response.headers['www-authenticate']).not.toContain('MedicationRequest')
    // The control: the type that it has.
    expect((await search({ type: 'Procedure' }, bearer)).isError).toBe(false)
  })

  it.each([
    ['only reading', 'user/Condition.r'],
    ['only searching', 'user/Condition.s'],
    ['writing', 'user/Condition.write'],
    ['a category', 'user/Condition.rs?category=problem-list-item'],
    ['another type that begins like it', 'user/Conditions.rs'],
  ])('for %s are not enough', async (_, scope) => {
    expect((await search({}, scoped(`${all} ${scope}`))).code).toBe('INSUFFICIENT_SCOPE')
    expect(exchange.count).toBe(0)
  })

  it.each(['user/Condition.rs', 'user/Condition.read', 'user/*.rs', 'system/Condition.cruds'])(
    '%s is enough',
    async (scope) => {
      expect((await search({}, scoped(`${all} ${scope}`))).isError).toBe(false)
    },
  )

  it('of the kind patient/ narrow to the patient context', async () => {
    const bearer = scoped('patient/Condition.rs patient/Patient.rs', { patient: 'pat-2' })
    hasCode(await search({}, bearer), 'FORBIDDEN')
    expect((await search({ patient_id: 'pat-2' }, bearer)).isError).toBe(false)
    // One patient/ scope narrows this type, whatever other types reach.
    hasCode(await search({}, scoped(`${all} patient/Condition.rs`, { patient: 'pat-2' })), 'FORBIDDEN')
  })

  it('that cover one of the types make the tool callable, as get_my_access says', async () => {
    const toolsOf = async (scope: string) =>
      (await gateway.call(scoped(scope), 'get_my_access')).structured.tools
    expect(await toolsOf(`${all} user/Procedure.rs`)).toContainEqual({ name: 'search_fhir' })
    expect(JSON.stringify(await toolsOf(all))).toContain('user/Condition.rs')
  })

  it('are all in the metadata', async () => {
    const answer = await gateway.app.inject('/.well-known/oauth-protected-resource/mcp')
    expect(answer.json().scopes_supported).toEqual(
      expect.arrayContaining(['user/Patient.rs', ...types.map((type) => `user/${type}.rs`)]),
    )
    expect(answer.body).not.toContain('Encounter')
  })
})

describe('a grant', () => {
  it('on one type is none on another, whoever asks the exchange', async () => {
    hasCode(await gateway.call(token, 'sideways', { type: 'Procedure' }), 'FORBIDDEN')
    hasCode(await gateway.call(token, 'sideways', { type: 'Encounter' }), 'INVALID_ARGUMENT')
    hasCode(await gateway.call(token, 'sideways', { type: 'Condition', name: 'patient' }), 'INVALID_ARGUMENT')
    expect(asked()).not.toContain('/fhir/Procedure')
    expect((await gateway.call(token, 'sideways', { type: 'Condition' })).structured).toEqual({ found: 5 })
  })
})

describe('an exchange that answers something else', () => {
  const foreign = () => exchange.cohort.find(({ id }) => id === 'pat-10-condition-1')

  /** Adds an entry to a searchset. */
  const adding = (entry: () => unknown): Fault['kind'] extends string ? Fault : never => ({
    kind: 'rewrite',
    change: (body) => {
      const bundle = body as { resourceType: string; entry?: unknown[]; total?: number }
      if (bundle.resourceType !== 'Bundle') return body
      const { total, ...rest } = bundle
      return { ...rest, entry: [...(bundle.entry ?? []), entry()] }
    },
  })

  it('is an honest one at first (control)', async () => {
    expect((await search()).isError).toBe(false)
    expect((await read('pat-1-condition-1')).isError).toBe(false)
  })

  it('another patient', async () => {
    misbehave('Condition', { kind: 'another-patient', patient: 'pat-10' })
    hasCode(await search(), 'EXCHANGE_LEAK')
    misbehave('Condition', { kind: 'ignore', parameters: ['patient'] })
    hasCode(await search(), 'EXCHANGE_LEAK')
    const answer = await read('pat-10-condition-1')
    expect(answer.code).toBe('EXCHANGE_LEAK')
    expect(answer.body).not.toContain('38341003')
  })

  it.each([
    ['as a match', () => ({ resource: foreign(), search: { mode: 'match' } })],
    ['without a mode', () => ({ resource: foreign() })],
    ['as an include', () => ({ resource: foreign(), search: { mode: 'include' } })],
    ['as an outcome', () => ({ resource: foreign(), search: { mode: 'outcome' } })],
    [
      'of another type',
      () => ({ resource: { resourceType: 'Patient', id: 'pat-10' }, search: { mode: 'include' } }),
    ],
    ['by an identifier alone', () => ({ resource: owned({ identifier: { value: 'pat-1' } }) })],
    ['of nobody', () => ({ resource: owned(undefined) })],
    ['of two', () => ({ resource: owned([{ reference: 'Patient/pat-1' }]) })],
    ['of a group', () => ({ resource: owned({ reference: 'Group/pat-1' }) })],
    [
      'of another server',
      () => ({ resource: owned({ reference: 'https://elsewhere.example/fhir/Patient/pat-1' }) }),
    ],
    ['of a contained one', () => ({ resource: owned({ reference: '#pat-1' }) })],
    ['of a urn', () => ({ resource: owned({ reference: 'urn:uuid:pat-1' }) })],
    ['of a path', () => ({ resource: owned({ reference: 'Patient/pat-1/../pat-10' }) })],
  ])('a resource that is not the patient’s, %s', async (_, entry) => {
    misbehave('Condition', adding(entry))
    hasCode(await search(), 'EXCHANGE_LEAK')
    hasCode(await read('pat-1-condition-1'), 'EXCHANGE_LEAK')
  })

  function owned(subject: unknown) {
    return { resourceType: 'Condition', id: 'odd', subject, note: [{ text: 'pat-10' }] }
  }

  it('its own outcome, which is passed over', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'pat-10' }] }
    misbehave(
      'Condition',
      adding(() => ({ resource: outcome, search: { mode: 'outcome' } })),
    )
    const answer = await search()
    expect(answer.isError).toBe(false)
    expect(answer.body).not.toContain('pat-10')
    misbehave(
      'Condition',
      adding(() => ({ resource: outcome, search: { mode: 'match' } })),
    )
    hasCode(await search(), 'EXCHANGE_LEAK')
  })

  it('people inside of a resource: they are left out, and it is said', async () => {
    const other = { reference: 'Patient/pat-10', display: 'Secretova' }
    const odd = {
      resourceType: 'Condition',
      id: 'odd',
      subject: { reference: `${exchange.url}/Patient/pat-1/_history/2` },
      contained: [
        { resourceType: 'Patient', id: 'p', name: [{ family: 'Secretova' }] },
        { resourceType: 'RelatedPerson', id: 'r', name: [{ family: 'Secretova' }] },
        { resourceType: 'Observation', id: 'o', subject: other },
        {
          resourceType: 'Practitioner',
          id: 'd',
          name: [{ family: 'Kept' }],
          text: { div: '<div>Secretova</div>' },
        },
      ],
      recorder: { reference: '#d' },
      asserter: { reference: '#p', display: 'Secretova' },
      extension: [
        { url: 'http://x.example/a', valueReference: other },
        { url: 'http://x.example/b', valueReference: { reference: `${exchange.url}/Patient/pat-10` } },
        {
          url: 'http://x.example/c',
          valueReference: { reference: 'https://elsewhere.example/Patient/pat-10' },
        },
        {
          url: 'http://x.example/d',
          valueReference: { type: 'Patient', identifier: { value: 'Secretova' } },
        },
        { url: 'http://x.example/e', valueReference: { identifier: { value: 'Secretova' } } },
        { url: 'http://x.example/f', valueReference: { reference: 'Group/study-c', display: 'Secretova' } },
        {
          url: 'http://x.example/g',
          valueReference: { reference: 'Device/d', type: 'Patient', display: 'Secretova' },
        },
        { url: 'http://x.example/h', valueReference: { reference: { of: 'Secretova' }, identifier: {} } },
        { url: 'http://x.example/i', valueReference: { reference: 'Patient/pat-1' } },
      ],
    }
    misbehave(
      'Condition',
      adding(() => ({ resource: odd, search: { mode: 'match' } })),
    )
    const answer = await search()
    expect(answer.isError, answer.body).toBe(false)
    expect(answer.body).not.toContain('Secretova')
    expect(answer.body).not.toContain('pat-10')
    expect(answer.body).toContain('Kept')
    expect(answer.text).toContain('References to other people')
    expect([...patientsIn(answer.structured)]).toEqual(['pat-1', 'pat-1/_history/2'])
    const rows = z.object({ entry: z.array(z.object({ resource: z.looseObject({ id: z.string() }) })) })
    const shown = rows.parse(answer.structured).entry.find(({ resource }) => resource.id === 'odd')?.resource
    expect(shown).toMatchObject({ meta: { tag: [{ code: 'SUBSETTED' }] }, contained: [{ id: 'd' }] })
    expect(JSON.stringify(shown).match(/"masked"/g)).toHaveLength(9)
    expect(JSON.stringify(shown)).toContain('"valueReference":{"reference":"Patient/pat-1"}')
  })

  it('a resource within a resource: refused', async () => {
    const odd = { ...foreign(), subject: { reference: 'Patient/pat-1' }, inner: { resourceType: 'Patient' } }
    misbehave(
      'Condition',
      adding(() => ({ resource: odd })),
    )
    hasCode(await search(), 'EXCHANGE_REJECTED')
  })

  it.each(['code', 'onset-date', 'clinical-status'])('as if %s had not been asked for', async (name) => {
    const given = { [name]: name === 'onset-date' ? 'ge2025-06-01' : ['no-such'] }
    expect((await search({ search: given })).isError).toBe(false)
    misbehave('Condition', { kind: 'ignore', parameters: [name] })
    hasCode(await search({ search: given }), 'NOT_SUPPORTED_BY_EXCHANGE')
  })

  it('as if the order or the id had not been asked for', async () => {
    misbehave('Condition', { kind: 'ignore', parameters: ['_sort'] })
    hasCode(await search(), 'NOT_SUPPORTED_BY_EXCHANGE')
    misbehave('Condition', { kind: 'ignore', parameters: ['_id'] })
    hasCode(await read('pat-1-condition-1'), 'NOT_SUPPORTED_BY_EXCHANGE')
  })

  it.each([
    'https://elsewhere.example/fhir/Condition?patient=pat-1',
    '/fhir/Observation?patient=Patient/pat-1',
    '/fhir/Condition/pat-10-condition-1',
    '/fhir/$export?x',
    'Condition/../Observation?x',
  ])('a page that is elsewhere: %s', async (url) => {
    const answer = await search({ limit: 3 })
    expect(answer.isError).toBe(false)
    misbehave('Condition', { kind: 'next', url: url.startsWith('/') ? `${exchange.origin}${url}` : url })
    hasCode(await search({ limit: 3 }), 'EXCHANGE_REJECTED')
  })

  it('a total that nothing proves: it is not told', async () => {
    const proven = async (fault?: Fault) => {
      const fresh = await startAttacked(signer, {
        fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: [...types] },
      })
      exchange.misbehave((request) => (request.path.includes('_summary=count') ? fault : undefined))
      const given = { patient_id: 'pat-1', type: 'Condition', limit: 2, search: { code: '38341003' } }
      const answer = await fresh.call(token, 'search_fhir', given)
      await fresh.close()
      return answer
    }
    expect((await proven()).structured.total).toBe(6)
    expect((await proven({ kind: 'ignore', parameters: ['patient'] })).structured.total).toBeUndefined()
    expect((await proven({ kind: 'ignore', parameters: ['code'] })).structured.total).toBeUndefined()
    expect((await proven({ kind: 'ignore', parameters: ['code'] })).text).toContain('total not known')
  })

  it('that it cannot search: it is believed before anything is sent', async () => {
    const fresh = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: [...types] },
    })
    exchange.misbehave((request) =>
      request.path.startsWith('/fhir/metadata')
        ? {
            kind: 'rewrite',
            change: (body) =>
              JSON.parse(JSON.stringify(body).replace(/\{"name":"code","type":"token"\},?/g, '')),
          }
        : undefined,
    )
    const given = { patient_id: 'pat-1', type: 'Condition' }
    const answer = await fresh.call(token, 'search_fhir', { ...given, search: { code: '38341003' } })
    hasCode(answer, 'NOT_SUPPORTED_BY_EXCHANGE')
    expect(asked()).not.toContain('/fhir/Condition')
    expect((await fresh.call(token, 'search_fhir', given)).isError).toBe(false)
    await fresh.close()
  })
})

describe('a cursor', () => {
  it('belongs to its search, its patient and its person', async () => {
    const first = await search({ limit: 2 })
    const cursor = /cursor: (\S+)/.exec(first.text)?.[1]
    expect((await search({ limit: 2, cursor })).isError).toBe(false)
    exchange.reset()
    hasCode(await search({ limit: 2, cursor, patient_id: 'pat-2' }), 'INVALID_ARGUMENT')
    hasCode(await search({ limit: 2, cursor, type: 'Procedure' }), 'INVALID_ARGUMENT')
    hasCode(await search({ limit: 2, cursor, search: { code: 'x' } }), 'INVALID_ARGUMENT')
    hasCode(await search({ limit: 2, cursor }, tokenOf({ sub: 'eve' })), 'INVALID_ARGUMENT')
    hasCode(await search({ limit: 2, cursor: `${cursor}x` }), 'INVALID_ARGUMENT')
    expect(exchange.count).toBe(0)
  })

  it('goes on within a page of the exchange where the size limit cut it', async () => {
    const small = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: [...types] },
      results: { byteBudget: 5500 },
    })
    const seen: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const given = { patient_id: 'pat-1', type: 'Condition', ...(cursor === undefined ? {} : { cursor }) }
      const answer = await small.call(token, 'search_fhir', given)
      expect(answer.isError, answer.body).toBe(false)
      seen.push(...(answer.text.match(/pat-1-condition-\d/g) ?? []))
      cursor = /cursor: (\S+)/.exec(answer.text)?.[1]
      pages += 1
    } while (cursor !== undefined && pages < 20)
    expect(pages).toBeGreaterThan(1)
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `pat-1-condition-${index}`))
    await small.close()
  })
})

describe('the record of a call', () => {
  it('names patient, type and searches, and no value', async () => {
    const path = auditFile()
    const audited = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: [...types] },
      audit: { sink: 'file', path },
    })
    const ask = (tool: string, given: object) =>
      audited.call(token, tool, { patient_id: 'pat-1', type: 'Condition', ...given })
    await ask('search_fhir', { type: 'Procedure', search: { code: '80146002', date: ['ge2026-01-01'] } })
    await ask('read_fhir', { id: 'Condition/pat-1-condition-1' })
    hasCode(await ask('search_fhir', { search: { 'pat-1-secret': 'x' } }), 'INVALID_ARGUMENT')
    await audited.close()
    const records = recordsIn(path)
    expect(records.at(-3)).toMatchObject({
      name: 'search_fhir',
      arguments: ['patient_id', 'type=Procedure', 'search', 'search.code', 'search.date'],
      target: { kind: 'patient', id: 'pat-1', decided: true },
      patients: ['pat-1'],
      outcome: 'allowed',
    })
    expect(records.at(-2)).toMatchObject({
      name: 'read_fhir',
      arguments: ['patient_id', 'type=Condition', 'id'],
    })
    expect(JSON.stringify(records)).not.toMatch(/80146002|pat-1-secret|pat-1-condition-1/)
  })
})

describe('a JupyterHealth Exchange', () => {
  it('has no such resources, and is not asked', async () => {
    const other = await startExchange({ dialect: 'jupyterhealth' })
    const jupyter = await startAttacked(signer, {
      fhir: { baseUrl: other.url, credentials: 'none', dialect: 'jupyterhealth', types: [...types] },
    })
    const bearer = tokenOf({ patient: '40001', ...permissionsClaim() })
    const given = { patient_id: '40001', type: 'Condition' }
    expect((await jupyter.call(bearer, 'search_fhir', given)).code).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    expect((await jupyter.call(bearer, 'read_fhir', { ...given, id: '1' })).code).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
    expect(other.count).toBe(0)
    await Promise.all([jupyter.close(), other.close()])
  })
})
