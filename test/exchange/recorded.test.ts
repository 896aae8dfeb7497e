import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PageExpired } from '../../src/exchange/page-expired.ts'
import { grantFor, idsIn, on } from './grants.ts'
import { json, type LoopbackExchange, startExchange } from './loopback.ts'
import { exchangeOf } from './opened.ts'

interface Recording {
  readonly response: { readonly status: number; readonly body: unknown }
}

function recording(server: string, situation: string): Recording {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/${server}/${situation}.json`, import.meta.url), 'utf8'),
  )
}

/** Answers what real servers answered: the first route whose parts are all in the request says which recording. */
async function replay(
  server: string,
  routes: readonly [situation: string, ...parts: string[]][],
): Promise<LoopbackExchange> {
  return startExchange((response, { url, body }) => {
    const asked = decodeURIComponent(`${url}&${body}`).replaceAll('+', ' ')
    const route = routes.find(([, ...parts]) => parts.every((part) => asked.includes(part)))
    if (route === undefined) return json(response, { resourceType: 'OperationOutcome', issue: [] }, 400)
    const { status, body: answer } = recording(server, route[0]).response
    json(response, answer, status)
  })
}

const newest = { order: 'newest', count: 20 } as const
const loinc = (code: string) => ({ system: 'http://loinc.org', code })

describe.each([
  ['hapi-r4', 'R4'],
  ['hapi-r5', 'R5'],
] as const)('the recordings of %s', (server, version) => {
  const members = ['pat-1', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6', '-pat-13', '-pat-14', 'pat-16']
  const caller = { studies: { 'study-a': members, 'study-b': ['pat-4'] } }
  const onPat4 = grantFor(caller, on.patient('pat-4'))
  const open = async (...routes: [string, ...string[]][]) => {
    const exchange = await replay(server, [['metadata-elements', 'metadata'], ...routes])
    return exchangeOf(exchange.baseUrl)
  }

  it('give the roster of a study, with who withdrew and who is in screening', async () => {
    const exchange = await open(['roster-of-one', 'ResearchSubject?', 'study=ResearchStudy/study-a'])
    const roster = await exchange.roster(grantFor(caller, on.study('study-a'), false), 5000)
    const statuses = idsIn(roster).map((id) => {
      const [only] = roster.enrolments(id)
      return [id, only?.status, only?.enrolled]
    })
    const plain = version === 'R4' ? 'on-study' : 'active'
    expect(statuses).toEqual([
      ['pat-1', plain, true],
      ['pat-13', 'withdrawn', false],
      ['pat-14', 'screening', false],
      ['pat-16', 'on-study', true],
      ...[2, 3, 4, 5, 6].map((n) => [`pat-${n}`, plain, true]),
    ])
  })

  it('give the enrolments of a patient in one of the studies only as a leak of the other', async () => {
    const exchange = await open(['membership-of-patient', 'ResearchSubject?', 'patient=Patient/pat-4'])
    const asked = exchange.enrolments(grantFor(caller, on.study('study-a'), false), 'pat-4')
    await expect(asked).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
  })

  it('give an empty roster for a study that is not there', async () => {
    const exchange = await open(['roster-empty', 'ResearchSubject?'])
    const roster = await exchange.roster(grantFor(caller, on.study('study-a'), false), 5000)
    expect([roster.complete, roster.size]).toEqual([true, 0])
  })

  it('give the permitted studies and one of them', async () => {
    const exchange = await open(
      ['study-search-permitted', 'ResearchStudy?_id=study-a,study-b'],
      ['study-read', 'ResearchStudy/study-a'],
      ['study-read-unknown', 'ResearchStudy/'],
    )
    const { studies, missing } = await exchange.studies(grantFor(caller, on.reach))
    expect(studies.map(({ id }) => id)).toEqual(['study-a', 'study-b'])
    expect(missing).toEqual([])
    expect(await exchange.study(grantFor(caller, on.study('study-a')), 'study-a')).toMatchObject({
      title: 'Study A',
    })
    await expect(exchange.study(grantFor(caller, on.study('study-b')), 'study-b')).rejects.toMatchObject({
      code: 'FHIR_MCP_FORBIDDEN',
    })
  })

  it('give patients by id, and their search for more than the grant as a leak', async () => {
    const exchange = await open(['patients-by-id-several', '_id='], ['patient-read', 'Patient/pat-4'])
    const within = grantFor({ studies: { s: ['pat-4', 'pat-10'] } }, on.study('s'))
    expect((await exchange.patients(within, {})).patients.map(({ id }) => id)).toEqual(['pat-10', 'pat-4'])
    const without = grantFor({ studies: { s: ['pat-4', 'pat-11'] } }, on.study('s'))
    await expect(exchange.patients(without, {})).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
    expect(await exchange.patient(onPat4)).toMatchObject({ id: 'pat-4' })
  })

  it('give observations newest first with their total', async () => {
    const exchange = await open(['observations-newest-first-total', 'Observation?', '_sort=-date'])
    const page = await exchange.observations(onPat4, newest)
    expect([page.observations.length, page.total]).toEqual([20, 100])
    const [position = ''] = page.positionAfter(13) ?? []
    expect(position).toContain('_getpagesoffset=13&')
  })

  it('give observations of a code, and those of another one as an ignored filter', async () => {
    const exchange = await open(['observations-heart-rate', 'Observation?'])
    const page = await exchange.observations(onPat4, { ...newest, count: 10, codes: [loinc('8867-4')] })
    expect(page.observations).toHaveLength(10)
    const other = exchange.observations(onPat4, { ...newest, codes: [loinc('2339-0')] })
    await expect(other).rejects.toMatchObject({ code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE' })
  })

  it('give what a server answers to an empty patient as a leak', async () => {
    const exchange = await open(['search-empty-patient-ignored', 'Observation?'])
    await expect(exchange.observations(onPat4, { ...newest, count: 1 })).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_LEAK',
    })
  })

  it('give a page that has expired as one to begin again', async () => {
    const exchange = await open(['page-token-expired', '_getpages'])
    const position = [JSON.stringify({ link: '?_getpages=x&_getpagesoffset=0&_count=9', size: 9, skip: 0 })]
    await expect(exchange.observations(onPat4, { ...newest, position })).rejects.toBeInstanceOf(PageExpired)
  })

  it('give a count that its control has proven', async () => {
    const exchange = await open(
      ['observation-count-impossible-patient', 'patient=Patient/no-such-patient-0'],
      ['observations-none', 'status='],
      ['observation-count-patient', 'patient=Patient/pat-4'],
    )
    expect(await exchange.countPatientObservations(onPat4, 'pat-4', {})).toEqual({ count: 100, excluded: 0 })
  })
})

describe('the recordings of jupyterhealth-r5', () => {
  const members = Array.from({ length: 14 }, (_, index) => String(40_006 + index))
  const caller = { studies: { '30006': members, '30007': members }, organizations: { '20009': members } }
  const on40006 = grantFor(caller, on.patient('40006'))
  const omh = (code: string) => ({ system: 'https://w3id.org/openmhealth', code })
  const open = async (...routes: [string, ...string[]][]) => {
    // Nothing was imported there: what a source answers that nothing has.
    const imported = ['observation-source-below', '_source:below='] as const
    const server = await replay('jupyterhealth-r5', [['metadata', 'metadata'], [...imported], ...routes])
    return exchangeOf(server.baseUrl)
  }

  it('give the searches of the dialect', async () => {
    const capabilities = await (await open()).capabilities(on40006)
    expect(capabilities).toMatchObject({ dialect: 'jupyterhealth', fhirVersion: 'R5' })
    expect(capabilities.searches.Patient).toContain('patient._has:Group:member:_id')
    expect(capabilities.searches.Observation).not.toContain('category')
  })

  it('give the studies, with description and owner', async () => {
    const exchange = await open(
      ['api-studies-northlake-member', 'api/v1/studies?page_size=1000'],
      ['api-study-read', 'api/v1/studies/30006'],
      ['group-read', 'Group/30006'],
      ['group-search', 'Group?'],
    )
    const { studies, missing } = await exchange.studies(grantFor(caller, on.reach))
    expect(studies.map(({ id, title, description }) => [id, title, description])).toEqual([
      ['30006', 'Northlake Cardiometabolic Study', 'Heart rate, glucose, pressure, steps, sleep'],
      ['30007', 'Northlake Sleep and Steps Study', 'Step count and sleep only'],
    ])
    expect(missing).toEqual([])
    expect(await exchange.study(grantFor(caller, on.study('30006')), '30006')).toMatchObject({
      description: 'Heart rate, glucose, pressure, steps, sleep',
      associatedParty: [{ name: 'Northlake Clinic', party: { reference: 'Organization/20009' } }],
    })
  })

  it('give the roster of a study, and what the standard form answers as a leak', async () => {
    const exchange = await open(['patient-search-patient-has-group', 'patient._has:Group:member:_id=30006'])
    const roster = await exchange.roster(grantFor(caller, on.study('30006'), false), 5000)
    expect(roster.size).toBe(11)
    expect(roster.enrolments('40006')).toMatchObject([{ codes: [], status: 'member', enrolled: true }])
    const ignoring = await open(['patient-search-has-group-std', 'patient._has:Group:member:_id=30006'])
    const narrow = grantFor({ studies: { '30006': idsIn(roster) } }, on.study('30006'))
    await expect(ignoring.patients(narrow, {})).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
  })

  it('give a forbidden study as forbidden', async () => {
    const exchange = await open(['patient-search-patient-has-group-forbidden', 'Patient?'])
    const asked = exchange.roster(grantFor({ studies: { '30008': [] } }, on.study('30008'), false), 5000)
    await expect(asked).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
  })

  it('give patients by name and by identifier, and an ignored identifier as such', async () => {
    const exchange = await open(
      ['patient-search-name', 'name=fern'],
      ['patient-search-identifier-wrong-system', 'identifier=urn:wrong|'],
      ['patient-search-identifier-value-bar', 'identifier=|NL-1000'],
      ['patient-search-identifier-value-only', 'identifier=|NL-1'],
      ['patient-read', 'Patient/40006'],
    )
    const reach = grantFor(caller, on.reach)
    const everybody = grantFor({ superuser: true }, on.reach)
    const found = async (filter: { name?: string; identifier?: string }, grant = reach) =>
      (await exchange.patients(grant, filter)).patients.map(({ id }) => id)
    // Within a grant names are compared here; where nobody bounds the search, the exchange is asked for them.
    expect(await found({ name: 'fern' }, everybody)).toEqual(['40006'])
    expect(await found({ identifier: 'NL-1000' })).toEqual(['40006'])
    expect(await found({ identifier: 'urn:wrong|NL-1000' })).toEqual([])
    await expect(found({ identifier: 'NL-1' })).rejects.toMatchObject({
      code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE',
    })
    expect(await exchange.patient(on40006)).toMatchObject({ id: '40006' })
  })

  it('give observations newest first, decoded', async () => {
    const exchange = await open(['observation-search-sort-date-desc', '_sort=-date', 'patient=40006'])
    const page = await exchange.observations(on40006, { order: 'newest', count: 2 })
    expect(page.total).toBe(1200)
    expect(page.observations).toMatchObject([
      { id: '61069', valueQuantity: { code: '/min' } },
      { id: '61209', effectivePeriod: { start: '2026-11-19T22:19:00Z' } },
    ])
    expect(page.observations.some((one) => 'valueAttachment' in one)).toBe(false)
    expect(page.positionAfter(2)).toEqual(['{"page":2,"size":2,"skip":0,"after":"61209"}'])
  })

  it('give observations of one code and of a stretch of days', async () => {
    const exchange = await open(
      ['observation-search-date-range', 'date=ge2026-10-01&date=lt2026-10-04', '_sort=date'],
      ['observation-search-code', 'code=https://w3id.org/openmhealth|omh:heart-rate:2.0'],
      ['observation-search-code-unknown', 'code='],
    )
    const days = { from: '2026-10-01T00:00:00Z', before: '2026-10-04T00:00:00Z' }
    const dated = await exchange.observations(on40006, { order: 'oldest', count: 2, ...days })
    expect(dated.observations.map(({ id }) => id)).toEqual(['61155', '60187'])
    const codes = [omh('omh:heart-rate:2.0'), omh('omh:heart-rate:1.0')]
    const coded = await exchange.observations(on40006, { order: 'newest', count: 2, codes })
    expect([coded.total, coded.observations.map(({ id }) => id)]).toEqual([1060, ['61069', '61068']])
    expect(coded.positionAfter(2)?.[1]).toBeNull()
  })

  it('give what a server answers to a filter that it does not know as a leak', async () => {
    const exchange = await open(['observation-search-subject', 'patient=40006'])
    await expect(exchange.observations(on40006, { order: 'newest', count: 1 })).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_LEAK',
    })
  })

  it('give a count that the refusal of an impossible patient has proven, and refuse one that it has not', async () => {
    const counting: [string, ...string[]][] = [
      ['observation-search-status-other', 'status='],
      ['observation-search-summary-count', 'patient=40006'],
    ]
    const proven = await open(['observation-patient-zero', 'patient=0&'], ...counting)
    expect(await proven.countPatientObservations(on40006, '40006', {})).toEqual({ count: 1200, excluded: 0 })
    const ignoring = await open(['observation-patient-empty', 'patient=0&'], ...counting)
    await expect(ignoring.countPatientObservations(on40006, '40006', {})).rejects.toMatchObject({
      code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE',
    })
  })

  it('give the count of an organization’s patients', async () => {
    const exchange = await open(
      ['observation-search-org-forbidden', 'organization=0&'],
      ['observation-search-status-other', 'status='],
      ['observation-search-org', 'organization=20009'],
    )
    expect(await exchange.countObservations(grantFor(caller, on.organization('20009')), {})).toEqual({
      count: 3800,
      excluded: 0,
    })
  })
})
