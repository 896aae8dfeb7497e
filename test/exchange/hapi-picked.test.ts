import { describe, expect, it } from 'vitest'
import { observation, type Row } from './hapi-stand-in.ts'
import { codes, cohortOf, idsOf, late, type Sent, studyOn } from './hapi-study.ts'

const period = { from: '2026-10-01T00:01:00Z', before: '2026-10-01T00:03:00Z' }
/** As H2: patients beside anything else take longer than anybody waits, but for one patient. */
const onlyPatients = ({ names, patients }: Sent) =>
  names.length > 1 && patients.length > 1 ? late() : undefined

/** A row of a patient in the place of another one. */
function withRow(rows: readonly Row[], id: string, more: Record<string, unknown>): Row[] {
  return rows.map((row) => (row.id === id ? { ...row, effectiveDateTime: undefined, ...more } : row))
}

describe('many patients of a server that is slow with anything beside the patients', () => {
  it('are asked for alone, and what was asked for is picked out of their rows', async () => {
    const { ids, rows } = cohortOf(60, 4)
    const { sent, read } = await studyOn({ rows, enrolled: ids, fails: onlyPatients })
    const { given, whole } = await read({ codes, ...period })
    expect(given.map(({ id }) => id).sort()).toEqual(ids.map((id) => `o-${id}-2`).sort())
    expect(whole.toSorted()).toEqual(ids.toSorted())
    const slow = sent.filter((one) => onlyPatients(one) !== undefined)
    expect(slow).toHaveLength(1)
    expect(sent.length).toBeLessThan(15)
    const first = sent.length
    expect((await read(period)).given).toHaveLength(120)
    expect(sent.slice(first).filter(({ names }) => names.length > 1)).toHaveLength(1)
  })

  it('keep the dates where everything else of the patients would be too much', async () => {
    const { ids, rows } = cohortOf(6, 3000)
    const { sent, read } = await studyOn({
      rows,
      enrolled: ids,
      takes: 1500,
      fails: ({ names, patients }) =>
        names.includes('combo-code') && patients.length > 1 ? late() : undefined,
    })
    const { given } = await read({ codes, ...period })
    expect(given.map(({ id }) => id).sort()).toEqual(ids.map((id) => `o-${id}-2`).sort())
    expect(sent.at(-1)?.names).toEqual(['patient', 'date', 'date'])
  })

  it.each([
    ['before the period', '2026-10-01T00:00:59Z', false],
    ['at its beginning', '2026-10-01T02:01:00+02:00', true],
    ['at its end', '2026-10-01T00:03:00Z', false],
    ['just before its end', '2026-10-01T00:02:59.999Z', true],
    ['without a date', undefined, false],
  ])('give the row %s as the server would', async (_, effectiveDateTime, isIn) => {
    const { ids, rows } = cohortOf(8, 1)
    const own = withRow(rows, 'o-p3-0', { effectiveDateTime })
    for (const fails of [onlyPatients, () => undefined]) {
      const { read } = await studyOn({ rows: own, enrolled: ids, fails })
      expect((await read({ codes, ...period })).given).toEqual(isIn ? [{ patient: 'p3', id: 'o-p3-0' }] : [])
    }
  })

  it.each([
    ['a day that the server reads in its own time zone', { effectiveDateTime: '2026-10-01' }],
    ['an open period', { effectivePeriod: { start: '2026-10-01T00:00:00Z' } }],
    ['a Timing', { effectiveTiming: { event: ['2026-10-01T00:02:00Z'] } }],
    ['a second in which the period begins', { effectiveDateTime: '2026-10-01T00:00:59.500Z' }],
  ])('leave %s to the server', async (_, more) => {
    const { ids, rows } = cohortOf(8, 3)
    const own = withRow(rows, 'o-p3-0', more)
    const { sent, read } = await studyOn({ rows: own, enrolled: ids, fails: onlyPatients })
    const { given, whole, unread } = await read({ codes, ...period })
    // The stand-in says no to each.
    expect(given.map(({ id }) => id).sort()).toEqual(ids.map((id) => `o-${id}-2`).sort())
    expect(whole.toSorted()).toEqual(ids.toSorted())
    expect(unread).toEqual([])
    expect(sent.filter(({ patients }) => patients.length === 1)).toEqual([
      { patients: ['p3'], names: ['patient', 'combo-code', 'date', 'date'], post: false },
    ])
  })

  it('find a panel by its component alone, where the server searches components', async () => {
    const panel = (id: string, patient: string, component: string) =>
      observation(id, patient, 'panel', {
        component: [{ code: { coding: [{ system: 'urn:types', code: component }] } }],
      })
    const ids = ['p1', 'p2', 'p3']
    const rows = [panel('with', 'p1', 'a'), panel('without', 'p2', 'z'), observation('alone', 'p3', 'a', {})]
    const panels = [{ system: 'urn:types', code: 'panel' }]
    for (const fails of [onlyPatients, () => undefined]) {
      const { read } = await studyOn({ rows, enrolled: ids, fails })
      const { given } = await read({ codes, panels })
      expect(given.map(({ id }) => id).sort()).toEqual(['alone', 'with'])
    }
  })
})

describe('a server that takes combo-code and has no index for it', () => {
  it('is asked by code, however much was found without codes before', async () => {
    const { ids, rows } = cohortOf(30, 4)
    const { sent, read } = await studyOn({ rows, enrolled: ids, faults: { empties: ['combo-code'] } })
    expect((await read()).given).toHaveLength(120)
    const first = sent.length
    expect((await read({ codes })).given.map(({ id }) => id).sort()).toEqual(idsOf(rows, 'a'))
    expect(sent.slice(first).filter(({ names }) => names.includes('combo-code'))).toHaveLength(1)
  })

  it('is believed once combo-code has found something', async () => {
    const { ids, rows } = cohortOf(300, (n) => (n < 50 ? 2 : 0))
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    expect((await read({ codes })).given).toHaveLength(50)
    expect(sent.every(({ names }) => !names.includes('code'))).toBe(true)
  })
})
