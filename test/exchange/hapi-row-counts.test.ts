import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Row } from './hapi-stand-in.ts'
import { codes, cohortOf, late, type Sent, studyOn } from './hapi-study.ts'
import { codeOf } from './opened.ts'

const period = { from: '2026-10-01T00:01:00Z', before: '2026-10-01T00:03:00Z' }
/** As H2: several patients beside anything else take longer than anybody waits. */
const onlyPatients = ({ names, patients }: Sent) =>
  names.length > 1 && patients.length > 1 ? late() : undefined

/** 60 people with four observations each, one of them entered in error. */
function cohort() {
  const { ids, rows } = cohortOf(60, 4)
  return {
    ids,
    rows: rows.map((row) => (row.id === 'o-p5-2' ? { ...row, status: 'entered-in-error' } : row)),
  }
}

describe('a count of a study on a HAPI server', () => {
  it('is the server’s own where that is quick', async () => {
    const { ids, rows } = cohort()
    const { sent, count } = await studyOn({ rows, enrolled: ids })
    expect(await count({ codes })).toEqual({ count: 119, excluded: 1 })
    const first = sent.length
    expect(await count({ codes })).toEqual({ count: 119, excluded: 1 })
    expect(sent.length - first).toBe(2)
  })

  it('is that of the rows where a count of several patients takes too long, and that is tried once, with few', async () => {
    const { ids, rows } = cohort()
    const { sent, count, read } = await studyOn({ rows, enrolled: ids, fails: onlyPatients })
    expect(await count({ codes })).toEqual({ count: 119, excluded: 1 })
    const slow = () =>
      sent.filter((one) => onlyPatients(one) !== undefined).map(({ patients }) => patients.length)
    expect(slow()).toEqual([4])
    expect(await count({ codes })).toEqual({ count: 119, excluded: 1 })
    await read({ codes })
    expect(slow()).toEqual([4])
    expect(await count({ codes, ...period })).toEqual({ count: 59, excluded: 1 })
    expect(slow()).toEqual([4, 4])
  })

  it('is none where a patient’s rows do not come', async () => {
    const { ids, rows } = cohort()
    const { count } = await studyOn({
      rows,
      enrolled: ids,
      fails: (one) => onlyPatients(one) ?? (one.patients.includes('p7') ? late() : undefined),
    })
    expect(await codeOf(count({ codes }))).toBe('EXCHANGE_TIMEOUT')
  })

  it('is none where rows may be missing', async () => {
    const { ids, rows } = cohort()
    const faults = { total: (total: number) => total + 1 }
    const { count } = await studyOn({ rows, enrolled: ids, faults, fails: onlyPatients })
    expect(await codeOf(count({ codes }))).toBe('EXCHANGE_REJECTED')
  })

  it('refuses rows of somebody else', async () => {
    const { ids, rows } = cohort()
    const alters = (row: Row) =>
      row.id === 'o-p9-1' ? { ...row, subject: { reference: 'Patient/foreign' } } : row
    const { count } = await studyOn({ rows, enrolled: ids, faults: { alters }, fails: onlyPatients })
    expect(await codeOf(count({ codes }))).toBe('EXCHANGE_LEAK')
  })
})

describe('counts of each patient on a HAPI server', () => {
  it('are of the rows of many patients in a search, in few requests', async () => {
    const { ids, rows } = cohort()
    const { sent, countEach } = await studyOn({ rows, enrolled: ids })
    const counts = await countEach({ codes })
    expect([...(counts?.keys() ?? [])]).toEqual(ids)
    for (const id of ids) {
      expect(counts?.get(id)).toEqual(id === 'p5' ? { count: 1, excluded: 1 } : { count: 2, excluded: 0 })
    }
    expect(sent.length).toBeLessThan(12)
  })

  it('are 0 for everybody where nobody has anything', async () => {
    const { ids, rows } = cohort()
    const { sent, countEach } = await studyOn({ rows, enrolled: ids })
    const nothing = { codes: [{ system: 'urn:types', code: 'z' }] }
    expect([...((await countEach(nothing)) ?? [])]).toEqual(ids.map((id) => [id, { count: 0, excluded: 0 }]))
    // Tried, counted, and once more by code, since combo-code has found nothing yet.
    expect(sent).toHaveLength(3)
  })

  it('are of the rows where counts take too long', async () => {
    const { ids, rows } = cohort()
    const { sent, countEach } = await studyOn({ rows, enrolled: ids, fails: onlyPatients })
    expect((await countEach({ codes, ...period }))?.get('p5')).toEqual({ count: 0, excluded: 1 })
    expect(sent.filter((one) => onlyPatients(one) !== undefined)).toHaveLength(1)
  })

  it.each([
    ['patients have many rows', cohortOf(6, 60), {}],
    ['there are few patients', cohortOf(3, 2), {}],
    ['the rows are not what was counted', cohortOf(30, 4), { changes: true }],
    ['the server does not answer for several', cohortOf(30, 4), { fails: late }],
    ['the server refuses several', cohortOf(30, 4), { fails: () => fhirMcpError('FORBIDDEN') }],
  ])(
    'are left to one by one where %s',
    async (_, { ids, rows }, {
      changes,
      fails,
    }: {
      changes?: boolean
      fails?: () => Error
    }) => {
      const alters = (row: Row) => (row.id === 'o-p1-0' ? { ...row, status: 'cancelled' } : row)
      const server = await studyOn({
        rows,
        enrolled: ids,
        ...(changes ? { faults: { alters } } : {}),
        ...(fails === undefined
          ? {}
          : { fails: ({ patients }: Sent) => (patients.length > 1 ? fails() : undefined) }),
      })
      expect(await server.countEach({})).toBe(undefined)
    },
  )

  it('refuse rows of somebody else, and ask nothing where one of the patients is no member', async () => {
    const { ids, rows } = cohort()
    const alters = (row: Row) =>
      row.id === 'o-p9-1' ? { ...row, subject: { reference: 'Patient/foreign' } } : row
    const { sent, countEach } = await studyOn({ rows, enrolled: ids, faults: { alters } })
    expect(await codeOf(countEach({}))).toBe('EXCHANGE_LEAK')
    const before = sent.length
    expect(await codeOf(countEach({}, ['p1', 'p2', 'p3', 'foreign']))).toBe('FORBIDDEN')
    expect(sent).toHaveLength(before)
  })
})
