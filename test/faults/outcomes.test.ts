import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { permissionsClaim, startExchange, startIssuer, type TestExchange } from '../../src/test-kit/index.ts'
import type { Called, TestClient } from '../e2e/clients.ts'
import { type Gateway, startGateway } from '../e2e/gateway.ts'
import { codeOf } from './setting.ts'

const audience = 'https://mcp.test/mcp'
/** Words of the exchange, which nobody must see. */
const chatter = 'zz-one-partition-did-not-answer'

const worlds = {
  'hapi R4': { study: 'study-a', patient: 'pat-2', roster: 'ResearchSubject', studies: 'ResearchStudy' },
  'hapi R5': { study: 'study-a', patient: 'pat-2', roster: 'ResearchSubject', studies: 'ResearchStudy' },
  'jupyterhealth R5': { study: '30006', patient: '40006', roster: 'Patient', studies: 'Group' },
} as const
type World = keyof typeof worlds

interface Site {
  readonly exchange: TestExchange<unknown>
  readonly client: TestClient
  close(): Promise<void>
}

async function startSite(world: World): Promise<Site> {
  const [dialect, fhirVersion] = world.split(' ') as ['hapi', 'R4' | 'R5'] | ['jupyterhealth', 'R5']
  const exchange: TestExchange<unknown> =
    dialect === 'hapi'
      ? await startExchange({ dialect, fhirVersion })
      : await startExchange({ dialect, authorize: () => 'northlake_member' })
  const issuer = await startIssuer()
  const gateway: Gateway = await startGateway(
    {
      fhir: {
        baseUrl: exchange.url,
        dialect,
        credentials: dialect === 'hapi' ? 'none' : 'forward',
        audience: 'https://exchange.test',
        ...(dialect === 'hapi' ? { types: ['Condition'] } : {}),
      },
      auth: { issuer: issuer.url, audience },
      audit: { sink: 'off' },
      // What was read is not kept from one answer to the next.
      access: { rosterSeconds: 0 },
    },
    undefined,
    fhirVersion,
  )
  const claims = permissionsClaim({ studies: [worlds[world].study] })
  const aud = [audience, 'https://exchange.test']
  const client = await gateway.connect('http', await issuer.token({ sub: 'x', aud, ...claims }))
  return {
    exchange,
    client,
    async close() {
      await gateway.close()
      await issuer.close()
      await exchange.close()
    },
  }
}

/** Adds an OperationOutcome to every searchset of the type; `keep` says how many of its rows stay. */
function saying(
  exchange: TestExchange<unknown>,
  type: string,
  issue: object,
  { mode = 'outcome', keep = Number.POSITIVE_INFINITY }: { mode?: string | undefined; keep?: number } = {},
): void {
  const resource = { resourceType: 'OperationOutcome', issue: [{ diagnostics: chatter, ...issue }] }
  const entry = { resource, ...(mode === undefined ? {} : { search: { mode } }) }
  exchange.misbehave(({ path }) =>
    new URL(path, 'http://x').pathname.split('/').includes(type)
      ? {
          kind: 'rewrite',
          change: (body) => {
            const bundle = body as { entry?: object[]; total?: number }
            const rows = bundle.entry ?? []
            const kept = rows.slice(0, keep)
            const total = kept.length < rows.length ? { total: kept.length } : {}
            return { ...bundle, ...total, entry: [entry, ...kept] }
          },
        }
      : undefined,
  )
}

const warning = { severity: 'warning', code: 'incomplete' }

describe.each(Object.keys(worlds) as World[])('what the exchange (%s) says of its own answer', (world) => {
  const { study, patient, roster, studies } = worlds[world]
  let site: Site

  beforeAll(async () => {
    site = await startSite(world)
  })
  afterAll(() => site.close())
  afterEach(() => site.exchange.misbehave(undefined))

  const readings = {
    get_patient_observations: { patient_id: patient },
    get_patient_date_range: { patient_id: patient },
    summarize_patient_observations: { patient_id: patient },
    chart_patient_observations: { patient_id: patient, data_types: ['heart-rate'] },
    summarize_study_observations: { study_id: study },
  }
  const counts = {
    count_patient_observations: { patient_id: patient },
    count_study_observations: { study_id: study },
  }

  function expectNoWords({ text, structured }: Called): void {
    expect(`${text}${JSON.stringify(structured)}`).not.toContain(chatter)
  }

  function expectPartial(called: Called): void {
    expect(called.isError, called.text).toBe(false)
    expect(called.text).toContain('PARTIAL: the exchange says itself that its answer may be incomplete')
    expect(JSON.stringify(called.structured)).toContain('says itself that its answer may be incomplete')
    expect(called.text).not.toMatch(/\bexact\b|has no observations|in total|Nobody of these patients/)
    expect(called.structured).not.toHaveProperty('total')
    expect(JSON.stringify(called.structured)).not.toContain('"complete","valueBoolean":true')
    expectNoWords(called)
  }

  it.each(Object.entries(readings))('%s is marked where it may be incomplete', async (tool, given) => {
    const whole = await site.client.call(tool, given)
    expect(whole.text).not.toContain('PARTIAL')
    saying(site.exchange, 'Observation', warning)
    expectPartial(await site.client.call(tool, given))
  })

  it.each(Object.entries(readings))('%s says of nothing that came no reason', async (tool, given) => {
    saying(site.exchange, 'Observation', warning, { keep: 0 })
    expectPartial(await site.client.call(tool, given))
  })

  it.each(Object.entries(counts))('%s is refused where it may be incomplete', async (tool, given) => {
    saying(site.exchange, 'Observation', warning)
    const called = await site.client.call(tool, given)
    expect(codeOf(called), called.text).toBe('EXCHANGE_REJECTED')
    expect(called.text).toContain('may be incomplete')
    expectNoWords(called)
  })

  it.each(['list_study_patients', 'count_study_observations', 'summarize_study_observations'])(
    '%s is refused where the roster may be incomplete',
    async (tool) => {
      saying(site.exchange, roster, warning, { keep: 3 })
      const called = await site.client.call(tool, { study_id: study })
      expect(codeOf(called), called.text).toBe('EXCHANGE_REJECTED')
      expectNoWords(called)
    },
  )

  it('list_studies is marked, and a study of a name is not looked for in a part of them', async () => {
    saying(site.exchange, studies, warning)
    expectPartial(await site.client.call('list_studies'))
    const named = await site.client.call('get_study_metadata', { study_id: 'title=No such title' })
    expect(codeOf(named)).toBe('EXCHANGE_REJECTED')
    saying(site.exchange, studies, warning, { keep: 0 })
    const empty = await site.client.call('list_studies')
    expectPartial(empty)
    expect(empty.text).not.toMatch(/any more|permits no studies/)
  })

  it.each(
    ['outcome', 'match', 'include', undefined].flatMap((mode) => [
      [mode, { severity: 'error', code: 'timeout' }] as const,
      [mode, { severity: 'fatal', code: 'exception' }] as const,
    ]),
  )('of mode %s, %j ends every call', async (mode, issue) => {
    saying(site.exchange, 'Observation', issue, { mode, keep: 0 })
    for (const [tool, given] of Object.entries({ ...readings, ...counts })) {
      const called = await site.client.call(tool, given)
      expect([tool, codeOf(called)]).toEqual([tool, 'EXCHANGE_REJECTED'])
      expectNoWords(called)
    }
  })

  it.each([
    'incomplete',
    'suppressed',
    'too-costly',
    'throttled',
    'timeout',
    'transient',
    'lock-error',
    'not-supported',
  ])('with the code %s means something missing, whatever its severity', async (code) => {
    for (const severity of ['information', 'warning']) {
      saying(site.exchange, 'Observation', { severity, code })
      expectPartial(await site.client.call('get_patient_observations', { patient_id: patient }))
    }
  })

  it.each([{ severity: 'warning', code: 'processing' }, { severity: 'warning' }, {}])(
    '%j, which may mean something missing, marks the answer',
    async (issue) => {
      saying(site.exchange, 'Observation', issue, { mode: undefined })
      expectPartial(await site.client.call('get_patient_observations', { patient_id: patient }))
    },
  )

  it('as information alone changes nothing', async () => {
    const asked = Object.entries({ ...readings, ...counts, list_study_patients: { study_id: study } })
    const lasting = (text: string) => text.replace(/as of .*|cursor: .*|mean \S+/g, '')
    const before = await Promise.all(asked.map(([tool, given]) => site.client.call(tool, given)))
    const information = { severity: 'information', code: 'informational' }
    saying(site.exchange, 'Observation', information)
    for (const [index, [tool, given]] of asked.entries()) {
      const { text } = await site.client.call(tool, given)
      expect(lasting(text)).toBe(lasting(before[index]?.text ?? ''))
    }
  })

  it('search_patients is marked where patients may be missing', async () => {
    const change = (body: unknown) => ({
      ...(body as object),
      total: 0,
      entry: [{ resource: { resourceType: 'OperationOutcome', issue: [warning] } }],
    })
    site.exchange.misbehave(({ path, body }) =>
      `${path}${body}`.includes('identifier=') ? { kind: 'rewrite', change } : undefined,
    )
    const found = await site.client.call('search_patients', { identifier: 'A-1' })
    expectPartial(found)
    expect(found.text).not.toContain('Nobody within reach fits')
  })

  if (!world.startsWith('hapi')) return

  it('list_study_patients is marked where patients may be missing', async () => {
    saying(site.exchange, 'Patient', warning, { keep: 0 })
    const listed = await site.client.call('list_study_patients', { study_id: study })
    expect(listed.text).toContain('PARTIAL')
    expect(listed.text).not.toContain('without a Patient on the exchange')
  })

  it('search_fhir is marked', async () => {
    saying(site.exchange, 'Condition', warning)
    const found = await site.client.call('search_fhir', { patient_id: patient, type: 'Condition' })
    expectPartial(found)
    expect(found.text).not.toContain('has none of this type')
    saying(site.exchange, 'Condition', { severity: 'error', code: 'timeout' })
    const failed = await site.client.call('search_fhir', { patient_id: patient, type: 'Condition' })
    expect(codeOf(failed)).toBe('EXCHANGE_REJECTED')
  })
})

describe('a control of which the exchange says that it failed or may be incomplete', () => {
  it.each(['error', 'warning'])('proves no filter (%s)', async (severity) => {
    const site = await startSite('hapi R4')
    const change = (body: unknown) => ({
      ...(body as object),
      entry: [{ resource: { resourceType: 'OperationOutcome', issue: [{ severity, code: 'timeout' }] } }],
    })
    site.exchange.misbehave(({ body }) =>
      body.includes('no-such-patient') ? { kind: 'rewrite', change } : undefined,
    )
    const given = { patient_id: 'pat-2' }
    expect(codeOf(await site.client.call('count_patient_observations', given))).toBe('EXCHANGE_REJECTED')
    site.exchange.misbehave(undefined)
    expect((await site.client.call('count_patient_observations', given)).text).toContain('exact')
    await site.close()
  })
})
