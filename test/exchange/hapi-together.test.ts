import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Faults, Row } from './hapi-stand-in.ts'
import { codes, cohortOf, idsOf, late, studyOn } from './hapi-study.ts'
import { codeOf } from './opened.ts'

describe('many patients of a HAPI server in one search', () => {
  it('gives every observation of every patient once, in few requests, by POST', async () => {
    const { ids, rows } = cohortOf(450, 4)
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    const { given, whole, unread } = await read()
    expect(given.map(({ id }) => id).sort()).toEqual(idsOf(rows))
    expect(given.every(({ patient, id }) => id.startsWith(`o-${patient}-`))).toBe(true)
    expect(whole.toSorted()).toEqual(ids.toSorted())
    expect(unread).toEqual([])
    expect(sent.length).toBeLessThan(15)
    expect(sent.every(({ post }) => post)).toBe(true)
    expect(sent.flatMap(({ patients }) => patients).sort()).toEqual(ids.toSorted())
  })

  it('begins with few patients, asks for more as they are answered, and remembers for the next call', async () => {
    const { ids, rows } = cohortOf(450, 4)
    const { sent, read, clock } = await studyOn({ rows, enrolled: ids })
    await read({ codes })
    expect(sent[0]?.patients).toHaveLength(4)
    const first = sent.length
    await read({ codes })
    expect(sent[first]?.patients).toHaveLength(100)
    expect(sent.length - first).toBeLessThan(first)
    clock.now += 3_600_000
    const second = sent.length
    await read({ codes })
    expect(sent[second]?.patients).toHaveLength(4)
  })

  it('takes no more patients at once than bring a page of rows', async () => {
    const { ids, rows } = cohortOf(60, 100)
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    expect((await read()).given).toHaveLength(6000)
    expect(Math.max(...sent.map(({ patients }) => patients.length))).toBe(10)
  })

  it('reads a search of several pages to its end', async () => {
    const { ids, rows } = cohortOf(4, 60)
    const { read, pages } = await studyOn({ rows, enrolled: ids, faults: { largestPage: 70 } })
    const { given, whole } = await read()
    expect(given.map(({ id }) => id).sort()).toEqual(idsOf(rows))
    expect(whole).toHaveLength(4)
    expect(pages()).toBe(3)
  })

  it('asks for fewer patients where there are too many rows, and gives none of them twice', async () => {
    const { ids, rows } = cohortOf(6, 1400)
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    const { given } = await read()
    expect(new Set(given.map(({ id }) => id)).size).toBe(8400)
    expect(given).toHaveLength(8400)
    expect(sent[0]?.patients).toHaveLength(4)
    expect(sent.slice(1).every(({ patients }) => patients.length === 1)).toBe(true)
  })

  it('sends the filters, and asks nothing where nothing can match', async () => {
    const { ids, rows } = cohortOf(20, 4)
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    const { given } = await read({ codes, from: '2026-10-01T00:01:00Z', before: '2026-10-01T00:03:00Z' })
    expect(given.map(({ id }) => id).sort()).toEqual(ids.map((id) => `o-${id}-2`).sort())
    expect(sent[0]?.names).toEqual(['patient', 'combo-code', 'date', 'date'])
    const before = sent.length
    expect((await read({ codes: [] })).whole).toEqual(ids)
    expect(sent).toHaveLength(before)
  })

  it('halves what is not answered in time, hands on nothing twice, and marks whom nothing helps', async () => {
    const { ids, rows } = cohortOf(40, 30)
    const { sent, read } = await studyOn({
      rows,
      enrolled: ids,
      faults: { largestPage: 40 },
      fails: ({ patients }) => (patients.length > 2 || patients.includes('p7') ? late() : undefined),
      failsPage: (nth) => (nth === 2 ? late() : undefined),
    })
    const { given, whole, unread } = await read()
    expect(given.map(({ id }) => id).sort()).toEqual(idsOf(rows.filter(({ id }) => !id.startsWith('o-p7-'))))
    expect(unread).toEqual(['p7'])
    expect([...whole, 'p7'].sort()).toEqual(ids.toSorted())
    expect(sent[0]?.patients).toHaveLength(4)
    expect(sent.slice(1).every(({ patients }) => patients.length <= 2)).toBe(true)
  })

  it('leaves the codes out where they make the server slow, picks out the rows, and remembers that', async () => {
    const { ids, rows } = cohortOf(60, 6)
    const { sent, read } = await studyOn({
      rows,
      enrolled: ids,
      fails: ({ names }) => (names.includes('combo-code') ? late() : undefined),
    })
    expect((await read({ codes })).given.map(({ id }) => id).sort()).toEqual(idsOf(rows, 'a'))
    expect(sent.filter(({ names }) => names.includes('combo-code'))).toHaveLength(1)
    await read({ codes })
    expect(sent.filter(({ names }) => names.includes('combo-code'))).toHaveLength(1)
  })

  it('goes back to the codes where most of the rows would be picked out', async () => {
    const { ids, rows } = cohortOf(6, 3000)
    const few = rows.map((row, n) => ({ ...row, ...(n % 1000 === 0 ? {} : { code: { coding: [] } }) }))
    const { sent, read } = await studyOn({
      rows: few,
      enrolled: ids,
      takes: 1500,
      fails: ({ names, patients }) =>
        names.includes('combo-code') && patients.length > 2 ? late() : undefined,
    })
    expect((await read({ codes })).given).toHaveLength(18)
    expect(sent.filter(({ names }) => !names.includes('combo-code'))).toHaveLength(1)
  })

  it('asks one by one where the server heeds but one of several patients', async () => {
    const { ids, rows } = cohortOf(30, 4)
    const { sent, read } = await studyOn({ rows, enrolled: ids, faults: { onlyFirst: 'patient' } })
    const { given, whole } = await read()
    expect(given.map(({ id }) => id).sort()).toEqual(idsOf(rows))
    expect(whole).toHaveLength(30)
    expect(sent.filter(({ patients }) => patients.length > 1)).toHaveLength(1)
    await read()
    expect(sent.filter(({ patients }) => patients.length > 1)).toHaveLength(1)
  })

  it('takes it that a server heeds all patients once nobody of the first has anything, alone or together', async () => {
    const { ids, rows } = cohortOf(60, (n) => (n < 50 ? 0 : 2))
    const { sent, read } = await studyOn({ rows, enrolled: ids })
    expect((await read()).given).toHaveLength(20)
    expect(sent.filter(({ patients }) => patients.length === 1)).toHaveLength(4)
    expect(sent).toHaveLength(9)
  })

  it.each([
    ['rows that do not add up', { total: (total: number) => total + 1 }],
    ['pages that do not end', { loops: true }],
    ['no search by form', { refusesPost: 405 }],
    ['a search by form that it does not know', { refusesPost: 404 }],
  ])('asks one by one after %s', async (_, faults: Faults) => {
    const { ids, rows } = cohortOf(12, 3)
    const alone = { ...faults, ...('total' in faults || 'loops' in faults ? { ofSeveral: true } : {}) }
    const { sent, read } = await studyOn({ rows, enrolled: ids, faults: alone })
    expect((await read()).given.map(({ id }) => id).sort()).toEqual(idsOf(rows))
    expect(sent.filter(({ patients }) => patients.length > 1)).toHaveLength(1)
  })

  describe('holds each row against the grant', () => {
    const { ids, rows } = cohortOf(20, 2)
    const misplaced = (patient: string) => ({
      alters: (row: Row) => (row.id === 'o-p3-1' ? { ...row, subject: { reference: patient } } : row),
    })

    it('takes rows of its own patients', async () => {
      const { read } = await studyOn({ rows, enrolled: ids, faults: misplaced('Patient/p2') })
      expect((await read()).given).toHaveLength(40)
    })

    it.each(['Patient/foreign', 'Patient/was', 'Group/p4', 'http://elsewhere.example/fhir/Patient/p4'])(
      'refuses a row of %s',
      async (reference) => {
        const { read } = await studyOn({ rows, enrolled: [...ids, '-was'], faults: misplaced(reference) })
        expect(await codeOf(read())).toBe('EXCHANGE_LEAK')
      },
    )

    it('refuses a row of a member who was not asked for', async () => {
      const { read } = await studyOn({ rows, enrolled: ids, faults: misplaced('Patient/p19') })
      expect(await codeOf(read({ patients: ids.slice(0, 10) }))).toBe('EXCHANGE_LEAK')
    })

    it('refuses a row outside of the category of a scope', async () => {
      const scope = 'user/Observation.rs?category=vital-signs user/ResearchStudy.rs user/ResearchSubject.rs'
      const vital = rows.map((row) => ({ ...row, category: [{ coding: [{ code: 'vital-signs' }] }] }))
      const setting = { enrolled: ids, scope, faults: { ignores: ['category'] } }
      const within = await studyOn({ ...setting, rows: vital })
      expect((await within.read()).given).toHaveLength(40)
      expect(within.sent[0]?.names).toContain('category')
      const beyond = await studyOn({
        ...setting,
        rows: [...vital.slice(1), { ...rows[0], category: [] } as Row],
      })
      expect(await codeOf(beyond.read())).toBe('EXCHANGE_LEAK')
    })

    it('refuses an answer for which the codes were ignored', async () => {
      const { read } = await studyOn({ rows, enrolled: ids, faults: { ignores: ['code', 'combo-code'] } })
      expect(await codeOf(read({ codes }))).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    })

    it('asks nothing where one of the patients is no member', async () => {
      const { read, sent } = await studyOn({ rows, enrolled: [...ids, '-was'] })
      expect(await codeOf(read({ patients: ['p1', 'was'] }))).toBe('FORBIDDEN')
      expect(await codeOf(read({ patients: ['p1', 'foreign'] }))).toBe('FORBIDDEN')
      expect(sent).toEqual([])
    })
  })

  it('passes on what is no answer about several patients', async () => {
    const { ids, rows } = cohortOf(20, 2)
    const limited = () => fhirMcpError('RATE_LIMITED')
    const { read, sent } = await studyOn({ rows, enrolled: ids, fails: limited })
    expect(await codeOf(read())).toBe('RATE_LIMITED')
    expect(sent).toHaveLength(1)
  })

  it('ends with its signal', async () => {
    const { ids, rows } = cohortOf(20, 2)
    const end = new AbortController()
    const { read, sent } = await studyOn({
      rows,
      enrolled: ids,
      fails: () => {
        end.abort(new Error('over'))
        return late()
      },
    })
    await expect(read({ signal: end.signal })).rejects.toThrow('over')
    expect(sent).toHaveLength(1)
  })
})
