import { describe, expect, it } from 'vitest'
import { rangeEnd } from '../../src/tools/observations/range.ts'
import { grantFor, on } from './grants.ts'
import { type Faults, observation, observations, type Row, startHapi } from './hapi-stand-in.ts'
import { codeOf, exchangeOf, walk } from './opened.ts'

const studies = { s1: ['p1'] }
const grant = grantFor({ studies }, on.patient('p1'))
const inCategory = grantFor(
  {
    studies,
    scope: 'user/Patient.rs user/Observation.rs?category=urn:categories|vital-signs user/ResearchSubject.rs',
  },
  on.patient('p1'),
)
const a = [{ system: 'urn:types', code: 'a' }]
const component = { component: [{ code: { coding: a } }] }
const panel = (id: string) =>
  observation(id, 'p1', 'panel', { ...component, effectiveDateTime: '2026-09-01T12:00:00Z' })

async function serverWith(faults: Faults, stored: readonly Row[]) {
  const server = await startHapi('R4', faults, stored)
  const exchange = exchangeOf(server.baseUrl, { fhir: { dialect: 'hapi' } })
  const asked = () =>
    server.arrivals.flatMap(({ url }) => {
      const { searchParams } = new URL(url, 'http://loopback')
      return searchParams.has('_sort') ? [searchParams.get('_elements') ?? 'whole'] : []
    })
  return { exchange, asked }
}

async function endsOf(faults: Faults, stored: readonly Row[], granted = grant, filter = {}) {
  const { exchange, asked } = await serverWith(faults, stored)
  const context = { exchange, grant: granted }
  const [first, last] = [
    await rangeEnd(context, filter, 'first', 'UTC'),
    await rangeEnd(context, filter, 'last', 'UTC'),
  ]
  const textOf = ({ end }: typeof first) => (typeof end === 'string' ? end : end.text)
  return { ends: [textOf(first), textOf(last)], asked: asked() }
}

const days = observations('p1', 12)
// The first day is entered in error.
const ends = ['2026-10-02T12:00:00Z', '2026-10-12T12:00:00Z']
const elements = 'status,code,subject,effective'

describe('the ends of a range on a server of the HAPI kind', () => {
  it('are read from the elements that tell them', async () => {
    expect(await endsOf({}, days)).toEqual({ ends, asked: [elements, elements] })
  })

  it('ask for what the rows are held by', async () => {
    const within = await endsOf({}, days, inCategory)
    expect(within).toEqual({ ends, asked: [`${elements},category`, `${elements},category`] })
    const typed = await endsOf({}, [panel('panel'), ...days], grant, { codes: a })
    expect(typed.ends).toEqual(['2026-09-01T12:00:00Z', '2026-10-11T12:00:00Z'])
    expect(new Set(typed.asked)).toEqual(new Set([`${elements},component`]))
  })

  it.each(['status', 'code', 'subject', 'effectiveDateTime'])(
    'are read from whole rows where the server leaves out %s',
    async (element) => {
      expect(await endsOf({ withholds: [element] }, days)).toEqual({
        ends,
        asked: [elements, 'whole', elements, 'whole'],
      })
    },
  )

  it('are read from whole rows where it leaves out what a restriction or a code is found by', async () => {
    expect((await endsOf({ withholds: ['category'] }, days, inCategory)).ends).toEqual(ends)
    const stored = [panel('panel'), ...days]
    expect((await endsOf({ withholds: ['component'] }, stored, grant, { codes: a })).ends).toEqual([
      '2026-09-01T12:00:00Z',
      '2026-10-11T12:00:00Z',
    ])
  })

  it('are none where whole rows have no time either', async () => {
    const undated = [observation('u', 'p1', 'a', {})]
    expect(await endsOf({}, undated)).toEqual({
      ends: ['none', 'none'],
      asked: [elements, 'whole', elements, 'whole'],
    })
  })
})

describe('pages of times alone', () => {
  const query = { order: 'oldest', count: 5, timesOnly: true } as const

  it('go on where the rows turn out to be cut in the middle', async () => {
    const withholds: string[] = []
    const { exchange, asked } = await serverWith({ withholds }, days)
    const first = await exchange.observations(grant, query)
    expect(first.observations.some((one) => 'category' in one)).toBe(false)
    withholds.push('subject')
    const position = first.positionAfter(3)
    if (position === undefined) throw new Error('there is more')
    const rest = await walk(exchange, grant, { ...query, position })
    const whole = await walk(exchange, grant, { order: 'oldest', count: 5 })
    expect(rest.ids).toEqual(whole.ids.slice(3))
    expect(asked()).toContain('whole')
  })

  it('stay a leak where a row is of somebody else', async () => {
    const faults: Faults = {
      adds: [{ resource: observation('x', 'p9', 'a', { effectiveDateTime: '2027' }) }],
    }
    const { exchange, asked } = await serverWith(faults, days)
    expect(await codeOf(exchange.observations(grant, query))).toBe('EXCHANGE_LEAK')
    expect(asked()).toEqual([elements])
  })
})
