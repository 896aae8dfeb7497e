import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { type ExchangeRequest, syntheticCohort } from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { record } from '../tools/record.ts'
import { codeOf, type Setting, startSetting } from './setting.ts'

let setting: Setting
let client: TestClient

beforeAll(async () => {
  setting = await startSetting()
  client = await (await setting.gateway()).connect('http', await setting.token())
})
afterAll(() => setting.close())
afterEach(() => setting.exchange.misbehave(undefined))

interface Bundle {
  readonly resourceType: string
  readonly total?: number
  readonly entry?: readonly { readonly resource: AnyResource }[]
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
}

/** Changes each page of rows of a type: the first page is number 1, and a search begins anew. */
function pages(type: string, change: (bundle: Bundle, page: number) => Bundle): void {
  let page = 0
  setting.exchange.misbehave(({ path, body }: ExchangeRequest) => {
    const isSearch = path.startsWith(`/fhir/${type}?`) || path.startsWith(`/fhir/${type}/_search`)
    const isPage = path.includes('_getpages=')
    if ((!isSearch && !isPage) || `${path}${body}`.includes('_summary=count')) return undefined
    page = isSearch ? 1 : page + 1
    const number = page
    return { kind: 'rewrite', change: (answer) => change(answer as Bundle, number) }
  })
}

const ids = (bundle: { entry?: unknown }) =>
  ((bundle.entry ?? []) as { resource: AnyResource; search: { mode: string } }[])
    .filter(({ search }) => search.mode === 'match')
    .map(({ resource }) => resource.id)

const given = { patient_id: 'pat-2', limit: 60 }
const heartRate = { patient_id: 'pat-2', data_type: 'heart-rate' }

describe('a server that gives rows again in the place of others', () => {
  /** Pages of ten: every page from the second on begins with the last row of the page before, and lacks its own last row. */
  function repeating(exchange: Setting['exchange']): void {
    let last: AnyResource | undefined
    exchange.misbehave(({ path, body }) => {
      if (!/\/Observation[?/]|_getpages/.test(path) || `${path}${body}`.includes('_summary=count'))
        return undefined
      return {
        kind: 'rewrite',
        change: (answer) => {
          const bundle = answer as Bundle
          const found = (bundle.entry ?? []).map(({ resource }) => resource)
          const isFirst = !path.includes('_getpages')
          const shown = isFirst || last === undefined ? found : [last, ...found.slice(0, -1)]
          last = shown.at(-1)
          return { ...bundle, entry: shown.map((resource) => ({ resource, search: { mode: 'match' } })) }
        },
      }
    })
  }

  it('shows each once in a list, says so, and names no total', async () => {
    const first = await client.call('get_patient_observations', { ...given, limit: 20 })
    expect(first.structured.total).toBe(100)
    await smallPages(async (own, exchange) => {
      repeating(exchange)
      const { text, structured } = await own.call('get_patient_observations', given)
      expect(new Set(ids(structured)).size).toBe(ids(structured).length)
      expect(structured).not.toHaveProperty('total')
      expect(text).toContain('total not known')
      expect(text).toContain('PARTIAL: the exchange gave some rows more than once')
      expect(JSON.stringify(structured)).toContain('gave some rows more than once')
    })
  })

  it.each([
    ['summarize_patient_observations', { patient_id: 'pat-2', data_type: 'heart-rate' }],
    ['chart_patient_observations', { patient_id: 'pat-2', data_types: ['heart-rate'] }],
    ['summarize_study_observations', { study_id: 'study-a', data_type: 'heart-rate' }],
  ])('is not summed up: %s', async (tool, args) => {
    await smallPages(async (own, exchange) => {
      const honest = await own.call(tool, args)
      expect(honest.isError, honest.text).toBe(false)
      repeating(exchange)
      const called = await own.call(tool, args)
      expect(codeOf(called), called.text).toBe('EXCHANGE_REJECTED')
      expect(called.text).toContain('Its pages repeat rows, so that others are missing.')
    })
  })

  it('is read again, and summed up where it gives them all then', async () => {
    await smallPages(async (own, exchange) => {
      const args = { patient_id: 'pat-2', data_type: 'heart-rate' }
      const honest = await own.call('summarize_patient_observations', args)
      let searches = 0
      let last: AnyResource | undefined
      exchange.misbehave(({ path }) => {
        if (!/\/Observation[?/]|_getpages/.test(path)) return undefined
        if (!path.includes('_getpages')) searches += 1
        if (searches > 1) return undefined
        return {
          kind: 'rewrite',
          change: (answer) => {
            const bundle = answer as Bundle
            const found = (bundle.entry ?? []).map(({ resource }) => resource)
            const shown = last === undefined ? found : [last, ...found.slice(0, -1)]
            last = shown.at(-1)
            return { ...bundle, entry: shown.map((resource) => ({ resource, search: { mode: 'match' } })) }
          },
        }
      })
      const { text } = await own.call('summarize_patient_observations', args)
      expect(searches).toBe(2)
      expect(text.replace(/as of .*/, '')).toBe(honest.text.replace(/as of .*/, ''))
    })
  })

  it('within a page, counts it once and loses no cursor', async () => {
    pages('Observation', (bundle) => {
      const [first, ...others] = bundle.entry ?? []
      return first === undefined ? bundle : { ...bundle, entry: [first, first, ...others] }
    })
    const { structured, text } = await client.call('get_patient_observations', given)
    expect(new Set(ids(structured)).size).toBe(ids(structured).length)
    expect(structured).not.toHaveProperty('total')
    expect(text).toContain('gave some rows more than once')
  })
})

/** Plays with a gateway whose exchange gives ten rows on a page. */
async function smallPages(
  play: (own: TestClient, exchange: Setting['exchange']) => Promise<void>,
): Promise<void> {
  const small = await startSetting(undefined, { largestPage: 10 })
  try {
    await play(await (await small.gateway()).connect('http', await small.token()), small.exchange)
  } finally {
    await small.close()
  }
}

describe('a total that is the number of rows of its page', () => {
  it('is not believed where the next page has a new row', async () => {
    pages('Observation', (bundle) => ({ ...bundle, total: bundle.entry?.length ?? 0 }))
    const { text, structured } = await client.call('get_patient_observations', given)
    expect(structured).not.toHaveProperty('total')
    expect(text).toContain('total not known, 60 shown')
    const cursor = /cursor: (\S+)/.exec(text)?.[1]
    const next = await client.call('get_patient_observations', { ...given, cursor })
    expect(ids(next.structured)).toHaveLength(40)
    expect(next.text).toContain('total not known')
  })

  it('is believed where the next page is empty, and there is no more then', async () => {
    const link = [{ relation: 'next', url: 'http://x/fhir?_getpages=none&_getpagesoffset=25&_count=25' }]
    setting.exchange.misbehave(({ path }) =>
      path.includes('_getpages=none')
        ? {
            kind: 'status',
            status: 200,
            body: { resourceType: 'Bundle', type: 'searchset', total: 25 },
          }
        : path.includes('/Observation?')
          ? { kind: 'rewrite', change: (bundle) => ({ ...(bundle as object), link }) }
          : undefined,
    )
    const { text, structured } = await client.call('get_patient_observations', { ...heartRate, limit: 25 })
    expect(structured.total).toBe(25)
    expect(text).not.toContain('More: call again')
  })
})

describe('a server that takes rows out of its answers and not out of its totals', () => {
  const half = (bundle: Bundle): Bundle => ({
    ...bundle,
    entry: (bundle.entry ?? []).filter((_, at) => at % 2 === 0),
  })

  it('gives the number of rows that were seen, with a note, and no exact count from then on', async () => {
    const own = await (await setting.gateway()).connect('http', await setting.token())
    const before = await own.call('count_patient_observations', { patient_id: 'pat-2' })
    expect(before.text).toContain('100, exact')
    pages('Observation', half)

    const listed = await own.call('get_patient_observations', given)
    expect(listed.text).toContain('total not known, 50 shown')
    expect(listed.text).toContain(
      'PARTIAL: the exchange gave fewer rows than the number that it names itself',
    )
    expect(listed.structured).not.toHaveProperty('total')
    const whole = await own.call('get_patient_observations', { ...given, limit: 100 })
    expect(whole.text).toContain('total not known, 50 shown')

    const summary = await own.call('summarize_patient_observations', { patient_id: 'pat-2' })
    expect(summary.text).toContain('50 observations read')
    expect(summary.text).toContain('gave fewer rows')
    expect(JSON.stringify(summary.structured)).toContain('"complete","valueBoolean":false')

    for (const [tool, args] of [
      ['count_patient_observations', { patient_id: 'pat-2' }],
      ['count_study_observations', { study_id: 'study-a' }],
      ['count_study_observations', { study_id: 'study-a', by_patient: true }],
    ] as const) {
      const counted = await own.call(tool, args)
      expect(counted.isError, counted.text).toBe(false)
      expect(counted.text).not.toMatch(/\bexact\b/)
      expect(counted.text).toContain('these are the rows that it showed')
      expect(JSON.stringify(counted.structured)).toContain('"exact","valueBoolean":false')
    }
    const counted = await own.call('count_patient_observations', { patient_id: 'pat-2' })
    expect(counted.text).toContain('50, shown by the exchange')
    const range = await own.call('get_patient_date_range', { patient_id: 'pat-2' })
    expect(range.text).toContain('number: 50')
    expect(range.text).toContain('of these without a date: not known')
  })

  it('gives none from the start where an operator says so, and rosters of those whom it shows', async () => {
    const told = await setting.gateway({ fhir: { filtersRows: true } })
    const own = await told.connect('http', await setting.token())
    const counted = await own.call('count_patient_observations', { patient_id: 'pat-2' })
    expect(counted.text).toContain('100, shown by the exchange')
    pages('ResearchSubject', half)
    const roster = await own.call('list_study_patients', { study_id: 'study-a' })
    expect(roster.isError, roster.text).toBe(false)
    expect(roster.text).toContain('these are the members that it showed')
    expect(roster.structured).not.toHaveProperty('total')

    const untold = await (await setting.gateway()).connect('http', await setting.token())
    const refused = await untold.call('list_study_patients', { study_id: 'study-a' })
    expect(codeOf(refused)).toBe('EXCHANGE_REJECTED')
  })

  it('lists the patients that it shows, with a note', async () => {
    pages('Patient', half)
    const { text, structured } = await client.call('search_patients', { name: 'a' })
    expect(structured).not.toHaveProperty('total')
    expect(text).toContain('gave fewer rows')
  })
})

describe('a row that was deleted while its pages are turned', () => {
  it('is said of the answer, and teaches nothing of the server', async () => {
    const own = await (await setting.gateway()).connect('http', await setting.token())
    const first = await own.call('get_patient_observations', { ...given, limit: 10 })
    const cursor = /cursor: (\S+)/.exec(first.text)?.[1]
    const { cohort } = setting.exchange
    const gone = cohort.findIndex(({ id }) => id === 'obs-2-085')
    const [row] = cohort.splice(gone, 1)
    const next = await own.call('get_patient_observations', { ...given, limit: 10, cursor })
    expect(next.text).toContain('gave fewer rows')
    if (row !== undefined) cohort.splice(gone, 0, row)
    const counted = await own.call('count_patient_observations', { patient_id: 'pat-2' })
    expect(counted.text).toContain('100, exact')
  })
})

describe('resources of other types', () => {
  const conditions = { patient_id: 'pat-1', type: 'Condition', limit: 3 }
  let own: TestClient
  let records: Setting

  beforeAll(async () => {
    records = await startSetting([...syntheticCohort(), ...record('R4')])
    own = await (await records.gateway({ fhir: { types: ['Condition'] } })).connect(
      'http',
      await records.token(),
    )
  })
  afterAll(() => records.close())
  afterEach(() => records.exchange.misbehave(undefined))

  const changed = (change: (bundle: Bundle) => Bundle) =>
    records.exchange.misbehave(({ path }) =>
      /\/Condition\?|_getpages/.test(path) && !path.includes('_summary=count')
        ? { kind: 'rewrite', change: (bundle) => change(bundle as Bundle) }
        : undefined,
    )

  it('have no total that is the number of rows of its page', async () => {
    expect((await own.call('search_fhir', conditions)).structured.total).toBe(7)
    changed((bundle) => ({ ...bundle, total: bundle.entry?.length ?? 0 }))
    const { text, structured } = await own.call('search_fhir', conditions)
    expect(structured).not.toHaveProperty('total')
    expect(text).toContain('total not known, 3 shown')
    const cursor = /cursor: (\S+)/.exec(text)?.[1]
    const next = await own.call('search_fhir', { ...conditions, cursor })
    expect(ids(next.structured)).toHaveLength(3)
  })

  it('count once where they come again, and say what is missing', async () => {
    changed((bundle) => {
      const [first, ...others] = bundle.entry ?? []
      return first === undefined ? bundle : { ...bundle, entry: [first, first, ...others.slice(0, -1)] }
    })
    const again = await own.call('search_fhir', { ...conditions, limit: 50 })
    expect(new Set(ids(again.structured)).size).toBe(ids(again.structured).length)
    expect(again.text).toContain('gave some rows more than once')
    expect(again.structured).not.toHaveProperty('total')
    changed((bundle) => ({ ...bundle, entry: (bundle.entry ?? []).slice(1) }))
    const fewer = await own.call('search_fhir', { ...conditions, limit: 50 })
    expect(fewer.text).toContain('gave fewer rows')
    expect(fewer.structured).not.toHaveProperty('total')
  })

  it('are searched for anew where the cursor is too old, by whoever gave it', async () => {
    const { text } = await own.call('search_fhir', conditions)
    const cursor = /cursor: (\S+)/.exec(text)?.[1]
    records.exchange.misbehave(({ path }) =>
      path.includes('_getpages') ? { kind: 'status', status: 410 } : undefined,
    )
    const called = await own.call('search_fhir', { ...conditions, cursor })
    expect(codeOf(called)).toBe('INVALID_ARGUMENT')
    expect(called.text).toContain('leave cursor out and start again')
  })
})

describe('a total that is less than the rows', () => {
  it('is not believed: the rows are what there is', async () => {
    pages('Observation', (bundle) => ({ ...bundle, total: 3 }))
    const { text, structured } = await client.call('get_patient_observations', heartRate)
    expect(structured).not.toHaveProperty('total')
    expect(text).toContain('total not known, 25 shown')
  })
})

describe('a page that the exchange has forgotten', () => {
  const gone = { kind: 'status', status: 410 } as const

  it.each([
    ['summarize_patient_observations', { patient_id: 'pat-2', data_type: 'heart-rate' }],
    ['get_patient_observations', given],
    ['list_study_patients', { study_id: 'study-a' }],
    ['summarize_study_observations', { study_id: 'study-a', data_type: 'heart-rate' }],
  ])('is searched for anew where the tool turns the pages: %s', async (tool, args) => {
    await smallPages(async (own, exchange) => {
      const honest = await own.call(tool, args)
      let forgotten = 0
      exchange.misbehave(({ path }) => {
        if (!path.includes('_getpages') || forgotten > 0) return undefined
        forgotten += 1
        return gone
      })
      const called = await own.call(tool, args)
      expect(forgotten).toBe(tool === 'list_study_patients' ? 0 : 1)
      const lasting = (text: string) => text.replace(/as of .*|cursor: .*/g, '')
      expect(lasting(called.text)).toBe(lasting(honest.text))
    })
  })

  it('is the exchange’s fault where it forgets them each time, and no argument’s', async () => {
    await smallPages(async (own, exchange) => {
      exchange.misbehave(({ path }) => (path.includes('_getpages') ? gone : undefined))
      const called = await own.call('summarize_patient_observations', {
        patient_id: 'pat-2',
        data_type: 'heart-rate',
      })
      expect(codeOf(called)).toBe('EXCHANGE_UNAVAILABLE')
      expect(called.text).toContain('It no longer has the next page of its own search.')
      expect(called.text).not.toMatch(/argument|no request/i)
    })
  })

  it('is the cursor’s where the caller gave it', async () => {
    const first = await client.call('get_patient_observations', { ...given, limit: 10 })
    const cursor = /cursor: (\S+)/.exec(first.text)?.[1]
    setting.exchange.misbehave(({ path }) => (path.includes('_getpages') ? gone : undefined))
    const called = await client.call('get_patient_observations', { ...given, limit: 10, cursor })
    expect(codeOf(called)).toBe('INVALID_ARGUMENT')
    expect(called.text).toContain('leave cursor out and start again')
    expect(called.text).not.toContain('no request was made')
  })
})
