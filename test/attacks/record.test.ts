import { describe, expect, it } from 'vitest'
import { permissionsClaim, startExchange } from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { startAttacked } from './gateway.ts'
import {
  asked,
  exchange,
  gateway,
  hasCode,
  read,
  search,
  signer,
  token,
  tokenOf,
  types,
} from './record-setting.ts'

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

describe('what a JupyterHealth Exchange imported', () => {
  it('is not asked for of a patient within reach by studies alone', async () => {
    const other = await startExchange({ dialect: 'jupyterhealth', authorize: () => 'northlake_manager' })
    const jupyter = await startAttacked(signer, {
      fhir: {
        baseUrl: other.url,
        credentials: 'held',
        heldToken: async () => 'token-of-the-exchange',
        dialect: 'jupyterhealth',
        types: [...types],
      },
    })
    const byStudy = tokenOf(permissionsClaim({ studies: ['30006'] }))
    const given = { patient_id: '40006', type: 'Condition' }
    const ask = (bearer: string) => [
      jupyter.call(bearer, 'search_fhir', given),
      jupyter.call(bearer, 'read_fhir', { ...given, id: '6f1d2c3b-0a4e-4c5d-8e6f-7a8b9c0d1e2f' }),
    ]
    for (const answer of await Promise.all(ask(byStudy))) expect(answer.isError, answer.body).toBe(true)
    const asked = () => other.requests.filter(({ path }) => path.includes('/Condition'))
    expect(asked()).toEqual([])
    // The control: an organization's permission has the exchange asked.
    const byOrganization = tokenOf(permissionsClaim({ organizations: { '20009': 'manager' } }))
    const [found] = await Promise.all(ask(byOrganization))
    expect(found?.isError, found?.body).toBe(false)
    expect(asked()).not.toEqual([])
    await Promise.all([jupyter.close(), other.close()])
  })
})
