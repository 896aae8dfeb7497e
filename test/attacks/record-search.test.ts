import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compartmentRule } from '../../src/fhir/compartment.ts'
import { startAttacked } from './gateway.ts'
import { asked, exchange, hasCode, read, search, signer, token, types } from './record-setting.ts'

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
          expect(pairs).toContainEqual(['patient', 'Patient/pat-1'])
          // Nothing was found: what there is of the patient is looked through for what a code would have to find.
          if (names.join() === '_count,_pretty,patient') continue
          expect(names).toEqual(['_count', '_pretty', '_sort', '_total', 'code', 'patient'])
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
