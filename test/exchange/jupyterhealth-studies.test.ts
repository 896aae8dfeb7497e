import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/exchange/exchange.ts'
import { grantFor, on } from './grants.ts'
import { code, data, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { exchangeOf } from './opened.ts'

const sleep = code('sleep:1')
const rate = code('rate:1')
const other = code('rate:2')
const all = [sleep, rate, other]
const newest = { order: 'newest', count: 50 } as const
const members = { '30': ['41', '42', '43'], '32': ['41', '42'] }

/** Whoever reaches study 32 alone, which requested sleep; patient 41 has 4 readings of it, and 9 of another type. */
const oneStudy = { studies: { '32': members['32'] }, requested: { '32': [sleep] } }
/** The same beside study 31, which requested another type and has patient 41 too. */
const twoStudies = {
  studies: { '32': members['32'], '30': members['30'] },
  requested: { '32': [sleep], '30': [sleep, rate] },
}
const withOrganization = {
  ...oneStudy,
  studies: { '32': members['32'], '30': members['30'] },
  requested: { '32': [sleep], '30': all },
  organizations: { '20': ['41', '42'] },
}

async function start(...given: Parameters<typeof startJupyterHealth>) {
  const server = await startJupyterHealth(...given)
  const exchange = exchangeOf(server.baseUrl)
  /** The searches since the last time, as parameters, without paging. */
  const asked = () =>
    server.arrivals
      .splice(0)
      .map(({ url }) => new URL(url, 'http://loopback'))
      .filter(({ pathname }) => pathname.endsWith('/Observation'))
      .map(({ searchParams }) => searchParams)
  return { server, exchange, asked }
}

const study = 'patient._has:Group:member:_id'
const codesOf = async (listing: ReturnType<Exchange['observations']>) =>
  [...new Set((await listing).observations.map((one) => one.code.coding?.[0]?.code))].sort()

describe('what a study requested', () => {
  it('is read of its list, with the names that the exchange has for the types', async () => {
    const { server, exchange } = await start()
    const types = await exchange.requestedTypes(grantFor(oneStudy, on.study('32'), false))
    expect(types).toEqual([{ ...sleep, display: 'The sleep:1' }])
    expect(server.arrivals.map(({ url }) => url)).toContain('/api/v1/studies/32/scope_requests')
  })

  it('is all that is given of a patient who is within reach by it alone, with or without the study named', async () => {
    const { exchange, asked } = await start()
    for (const grant of [
      grantFor(oneStudy, on.patient('41')),
      grantFor(withOrganization, on.patient('41', '32')),
    ]) {
      const page = await exchange.observations(grant, newest)
      expect(page.observations.map((one) => one.code.coding?.[0]?.code)).toEqual(Array(4).fill('sleep:1'))
      expect(page.total).toBe(4)
      expect(await exchange.countPatientObservations(grant, '41', {})).toEqual({ count: 4, excluded: 0 })
      const searches = asked()
      expect(searches.length).toBeGreaterThan(0)
      expect(searches.every((one) => one.getAll(study).length === 1 || one.has('status'))).toBe(true)
    }
  })

  it('does not narrow a patient who is within reach by an organization as well, or is the own one (control)', async () => {
    const { exchange } = await start()
    const everything = await exchange.observations(grantFor(withOrganization, on.patient('41')), newest)
    expect(everything.total).toBe(13)
    const own = grantFor({ ...oneStudy, patient: '41' }, on.patient('41'))
    expect((await exchange.observations(own, newest)).total).toBe(13)
  })

  it('is asked for in one search for a code that it has, and not at all for another one', async () => {
    const { exchange, asked } = await start()
    const grant = grantFor(oneStudy, on.patient('41'))
    expect((await exchange.observations(grant, { ...newest, codes: all })).total).toBe(4)
    expect(asked().map((one) => [one.get('code'), one.getAll(study)])).toEqual([
      [`${sleep.system}|sleep:1`, ['32']],
    ])
    const none = await exchange.observations(grant, { ...newest, codes: [rate] })
    expect([none.observations, none.total]).toEqual([[], 0])
    expect(await exchange.countPatientObservations(grant, '41', { codes: [rate] })).toEqual({
      count: 0,
      excluded: 0,
    })
    expect(asked()).toEqual([])
  })

  it('is counted in one question, proven beside the patient and beside the study', async () => {
    const { exchange, asked } = await start()
    const grant = grantFor(oneStudy, on.study('32'))
    expect(await exchange.countObservations(grant, {})).toEqual({ count: 4, excluded: 0 })
    const plain = (searches: URLSearchParams[]) =>
      searches.filter((one) => !one.has('status') && one.get(study) !== '0' && one.get('patient') !== '0')
    expect(plain(asked()).map(String)).toEqual([
      new URLSearchParams([
        [study, '32'],
        ['_summary', 'count'],
      ]).toString(),
    ])
    await exchange.countPatientObservations(grant, '41', {})
    const searches = asked()
    expect(plain(searches).map((one) => [one.get('patient'), one.getAll(study)])).toEqual([['41', ['32']]])
    const controls = searches.map((one) => `${one.get('patient')} ${one.getAll(study)}`)
    expect(controls).toEqual(expect.arrayContaining(['0 32', '41 0']))
    await exchange.countObservations(grant, {})
    expect(asked().filter((one) => one.get(study) === '0')).toEqual([])
  })
})

it('a count of a study is one question once its form is proven and no reading is left out', async () => {
  const given = data()
  const { exchange, asked } = await start(
    {},
    { ...given, rows: given.rows.filter(({ status }) => status !== 'entered-in-error') },
  )
  const grant = grantFor(oneStudy, on.study('32'))
  await exchange.countObservations(grant, {})
  asked()
  expect(await exchange.countObservations(grant, {})).toEqual({ count: 4, excluded: 0 })
  expect(asked().map(String)).toEqual([`${encodeURIComponent(study)}=32&_summary=count`])
  expect(await exchange.countObservations(grant, { codes: all })).toEqual({ count: 4, excluded: 0 })
  expect(asked().filter((one) => !one.get('code')?.startsWith('urn:control'))).toHaveLength(1)
})

it('a count asks for what is left out where the caller sees any such reading (control)', async () => {
  const { exchange, asked } = await start()
  const grant = grantFor({ ...twoStudies, studies: { '30': members['30'] } }, on.study('30'))
  const whole = grantFor({ studies: { '30': members['30'] }, requested: { '30': all } }, on.study('30'))
  await exchange.countObservations(grant, {})
  asked()
  expect(await exchange.countObservations(whole, {})).toEqual({ count: 14, excluded: 1 })
  expect(asked().filter((one) => one.has('status') && one.get(study) === '30')).toHaveLength(2)
})

describe('what several studies requested', () => {
  it('is asked for study by study, and given once in one order', async () => {
    const { exchange, asked } = await start()
    const grant = grantFor(twoStudies, on.patient('41'))
    const page = await exchange.observations(grant, newest)
    const ids = page.observations.map(({ id }) => id)
    expect(new Set(ids).size).toBe(13)
    expect(ids).toHaveLength(13)
    expect(await codesOf(exchange.observations(grant, newest))).toEqual(['rate:1', 'sleep:1'])
    expect(new Set(asked().map((one) => one.getAll(study).join()))).toEqual(new Set(['32', '30']))

    const walked: (string | undefined)[] = []
    let position: Parameters<Exchange['observations']>[1]['position']
    do {
      const next = await exchange.observations(grant, {
        order: 'newest',
        count: 2,
        ...(position === undefined ? {} : { position }),
      })
      walked.push(...next.observations.map(({ id }) => id))
      position = next.positionAfter(next.observations.length)
    } while (position !== undefined)
    expect(walked).toEqual(ids)
  })

  it('is counted code by code, each in one study that requested it', async () => {
    const { exchange, asked } = await start()
    const grant = grantFor(twoStudies, on.patient('41'))
    expect(await exchange.countPatientObservations(grant, '41', {})).toEqual({ count: 13, excluded: 0 })
    const counted = asked().filter((one) => !one.has('status') && one.get(study) !== '0')
    const forms = counted.filter((one) => one.get('patient') === '41' && one.has('code'))
    expect(forms.map((one) => `${one.get('code')?.split('|')[1]} in ${one.getAll(study)}`).sort()).toEqual([
      'rate:1 in 30',
      'sleep:1 in 30',
    ])
  })

  it('is nothing where none of them requested anything', async () => {
    const { exchange, asked } = await start()
    const grant = grantFor({ studies: { '32': ['41'] }, requested: { '32': [] } }, on.patient('41'))
    expect((await exchange.observations(grant, newest)).observations).toEqual([])
    expect(await exchange.countPatientObservations(grant, '41', {})).toEqual({ count: 0, excluded: 0 })
    const whole = grantFor({ studies: { '32': ['41'] }, requested: { '32': [] } }, on.study('32'))
    expect(await exchange.countObservations(whole, {})).toEqual({ count: 0, excluded: 0 })
    expect(asked()).toEqual([])
  })

  it('holds for each patient of a reach by its own ways', async () => {
    const { exchange } = await start()
    const caller = {
      studies: { '32': ['41', '42'] },
      requested: { '32': [sleep] },
      organizations: { '20': ['42'] },
    }
    const grant = grantFor(caller, on.reach)
    expect((await exchange.patientObservations(grant, '41', newest)).total).toBe(4)
    expect((await exchange.patientObservations(grant, '42', newest)).total).toBe(2)
    expect(await exchange.countObservations(grant, {})).toEqual({ count: 5, excluded: 1 })
  })
})

describe('a patient user, for whom the exchange ignores the study', () => {
  it('is asked for the codes of the study', async () => {
    const { exchange, asked } = await start({ ignores: [study] })
    const grant = grantFor({ ...oneStudy, patient: '41' }, on.patient('41', '32'))
    expect((await exchange.observations(grant, newest)).total).toBe(4)
    expect(asked().every((one) => one.get('code') === `${sleep.system}|sleep:1`)).toBe(true)
  })
})

it('a grant by studies without what they requested is a fault, not an answer', async () => {
  const { exchange, asked } = await start()
  const grant = grantFor({ studies: { '32': ['41'] } }, on.patient('41'))
  await expect(exchange.observations(grant, newest)).rejects.toThrow(TypeError)
  await expect(
    exchange.countObservations(grantFor(oneStudy, on.study('32'), false), {}),
  ).rejects.toMatchObject({
    code: 'FHIR_MCP_FORBIDDEN',
  })
  expect(asked()).toEqual([])
})
