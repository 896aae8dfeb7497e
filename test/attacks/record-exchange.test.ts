import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Fault } from '../../src/test-kit/index.ts'
import { patientsIn } from './answers.ts'
import { startAttacked } from './gateway.ts'
import { asked, exchange, hasCode, misbehave, read, search, signer, token, types } from './record-setting.ts'

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

  it('a person within a resource, where none belongs: left out, and it is said', async () => {
    const inner = { resourceType: 'Patient', id: 'pat-10', name: [{ family: 'Secretova' }] }
    const extension = [
      { url: 'http://x.example/a', valueReference: inner },
      { url: 'http://x.example/b', extension: [{ url: 'c', valueString: 'kept' }] },
    ]
    const odd = { resourceType: 'Condition', id: 'odd', subject: { reference: 'Patient/pat-1' } }
    misbehave(
      'Condition',
      adding(() => ({ resource: { ...odd, inner, extension }, search: { mode: 'match' } })),
    )
    const answer = await search()
    expect(answer.isError, answer.body).toBe(false)
    expect(answer.body).not.toMatch(/Secretova|pat-10|inner/)
    expect(answer.body).toContain('kept')
    expect(answer.text).toContain('or theirs: 2 left out')
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
