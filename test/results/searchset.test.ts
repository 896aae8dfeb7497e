import { describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import type { Row } from '../../src/results/row.ts'
import { type Page, pageAnswer, rowsThatFit } from '../../src/results/searchset.ts'
import { emptiesIn } from '../tools/call-tool.ts'

const row = (id: string, size = 10): Row => ({
  resource: { resourceType: 'Patient', id, filler: 'x'.repeat(size) },
  line: `- Patient/${id}`,
  cells: [id, null],
})

function pageOf(rows: readonly Row[], more: Partial<Page> = {}): Page {
  return {
    asked: 'Patients of study s1',
    self: 'Patient?_count=50',
    columns: ['id', 'name'],
    rows,
    limit: rows.length,
    most: rows.length,
    total: rows.length,
    notes: [],
    cursorAfter: async (n) => (n < rows.length ? `after-${n}` : undefined),
    format: 'fhir',
    byteBudget: 65_536,
    asOf: '2026-11-23T05:00:00.000Z',
    ...more,
  }
}

const bytesOf = (answer: { structured?: object; text?: string }) =>
  Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)

describe('a page as a searchset', () => {
  it('is a Bundle with self link, total, matches, included resources once, and notes as an outcome', async () => {
    const subject: AnyResource = { resourceType: 'ResearchSubject', id: 'rs' }
    const rows = [
      { ...row('1'), included: [subject] },
      { ...row('2'), included: [subject] },
    ]
    const notes = [{ severity: 'warning', code: 'incomplete', text: 'Something is missing.' }] as const
    const { structured, text } = await pageAnswer(pageOf(rows, { notes }))
    expect(structured).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
      timestamp: '2026-11-23T05:00:00.000Z',
      total: 2,
      link: [{ relation: 'self', url: 'Patient?_count=50' }],
      entry: [
        {
          fullUrl: 'https://exchange.invalid/Patient/1',
          resource: rows[0]?.resource,
          search: { mode: 'match' },
        },
        {
          fullUrl: 'https://exchange.invalid/Patient/2',
          resource: rows[1]?.resource,
          search: { mode: 'match' },
        },
        {
          fullUrl: 'https://exchange.invalid/ResearchSubject/rs',
          resource: subject,
          search: { mode: 'include' },
        },
        {
          fullUrl: 'https://exchange.invalid/OperationOutcome/notes',
          resource: {
            resourceType: 'OperationOutcome',
            id: 'notes',
            issue: [{ severity: 'warning', code: 'incomplete', diagnostics: 'Something is missing.' }],
          },
          search: { mode: 'outcome' },
        },
      ],
    })
    expect(text?.split('\n')).toEqual([
      'Patients of study s1',
      '2 in total, 2 shown, as of 2026-11-23T05:00:00.000Z',
      '- Patient/1',
      '- Patient/2',
      'Warning: Something is missing.',
    ])
    expect(emptiesIn(structured)).toEqual([])
  })

  it('leaves total out where it is not known, and entry where there is none', async () => {
    const { structured, text } = await pageAnswer(pageOf([], { total: undefined, self: 'Patient' }))
    expect(structured).not.toHaveProperty('total')
    expect(structured).not.toHaveProperty('entry')
    expect(text).toContain('total not known, 0 shown')
  })

  it('carries the cursor in the next link and in the text', async () => {
    const cursorAfter = async () => 'sealed'
    for (const self of ['Patient', 'Patient?_count=1']) {
      const { structured, text } = await pageAnswer(pageOf([row('1')], { cursorAfter, self }))
      const mark = self.includes('?') ? '&' : '?'
      expect(structured).toMatchObject({
        link: [{ relation: 'self' }, { relation: 'next', url: `${self}${mark}cursor=sealed` }],
      })
      expect(text).toContain('cursor: sealed')
    }
  })
})

describe('a page as a table', () => {
  it('has columns, rows, total, cursor and notes', async () => {
    const cursorAfter = async () => 'sealed'
    const notes = [{ severity: 'information', code: 'informational', text: 'So it is.' }] as const
    const { structured } = await pageAnswer(pageOf([row('1')], { format: 'table', cursorAfter, notes }))
    expect(structured).toEqual({
      columns: ['id', 'name'],
      rows: [['1', null]],
      total: 1,
      cursor: 'sealed',
      notes: ['So it is.'],
    })
    const bare = await pageAnswer(pageOf([], { format: 'table', total: undefined }))
    expect(bare.structured).toEqual({ columns: ['id', 'name'], rows: [], notes: [] })
  })
})

describe('the byte budget', () => {
  it.each(['fhir', 'fhir_full', 'table'] as const)(
    'covers structured answer and text together (%s)',
    async (format) => {
      const rows = Array.from({ length: 400 }, (_, n) => row(`ä${n}`, 300))
      for (const byteBudget of [8192, 20_000, 65_536]) {
        const answer = await pageAnswer(pageOf(rows, { byteBudget, format }))
        expect(bytesOf(answer)).toBeLessThanOrEqual(byteBudget)
        expect(answer.text).toContain(`- Patient/ä${0}`)
      }
    },
  )

  it('leaves what does not fit to the next page, and says so: no row is lost or cut', async () => {
    const rows = Array.from({ length: 20 }, (_, n) => row(String(n), 1000))
    const page = pageOf(rows, { byteBudget: 10_000 })
    const { structured, text } = await pageAnswer(page)
    const { entry } = structured as { entry: { resource: AnyResource; search: { mode: string } }[] }
    const matches = entry.filter(({ search }) => search.mode === 'match')
    expect(matches.length).toBeGreaterThan(1)
    expect(matches.length).toBeLessThan(20)
    expect(matches.map(({ resource }) => resource)).toEqual(
      rows.slice(0, matches.length).map((one) => one.resource),
    )
    expect(text).toContain(
      `${matches.length} rows, not 20 (limit): an answer holds 9 KB. The cursor gives the next ones. Format table fits more rows into one.`,
    )
    expect(text).toContain(`cursor: after-${matches.length}`)
  })

  it('says so too where no more rows were looked for, and only where there are more', async () => {
    const rows = [row('1'), row('2')]
    const fewer = 'rows, not 1000 (limit)'
    const cursorAfter = async () => 'next'
    const cut = await pageAnswer(pageOf(rows, { limit: 1000, most: 2, cursorAfter }))
    expect(cut.text).toContain(`2 ${fewer}: an answer holds 64 KB.`)
    const table = await pageAnswer(pageOf(rows, { limit: 1000, most: 2, cursorAfter, format: 'table' }))
    expect(table.text).toContain(fewer)
    expect(table.text).not.toContain('Format "table"')
    const last = await pageAnswer(pageOf(rows, { limit: 1000, most: 2 }))
    expect(last.text).not.toContain(fewer)
    // Rows that the exchange left out are no matter of size.
    const short = await pageAnswer(pageOf(rows, { limit: 1000, most: 3, cursorAfter }))
    expect(short.text).not.toContain(fewer)
    const all = await pageAnswer(pageOf(rows, { limit: 2, most: 2, cursorAfter }))
    expect(all.text).not.toContain('(limit)')
  })

  it('leaves out what is too large of one row that alone is larger, and says so', async () => {
    const answer = await pageAnswer(pageOf([row('1', 9000), row('2')], { byteBudget: 8192 }))
    const { structured, text } = answer
    expect(bytesOf(answer)).toBeLessThanOrEqual(8192)
    expect(structured).toMatchObject({
      entry: [{ resource: { id: '1', meta: { tag: [{ code: 'SUBSETTED' }] } } }, {}],
    })
    expect(JSON.stringify(structured)).not.toContain('filler')
    expect(text).toContain('larger than the size limit of an answer: what is too large of it is left out')
    expect(text).toContain('- Patient/1')
    expect(text).toContain('cursor: after-1')
  })

  it.each(['fhir', 'fhir_full', 'table'] as const)(
    'holds for one row, whatever is large in it (%s)',
    async (format) => {
      const long = 'ä'.repeat(2_500_000)
      const many = Array.from({ length: 100_000 }, (_, n) => ({ code: `c${n}` }))
      const resource = {
        resourceType: 'Observation',
        id: 'o1',
        status: 'final',
        valueString: long,
        component: many,
      }
      const huge: Row = {
        resource,
        included: [{ resourceType: 'ResearchSubject', id: 'rs', identifier: [{ value: long }] }],
        line: `- 2026 | ${long} | o1`,
        cells: ['o1', long, 1, null],
      }
      for (const byteBudget of [4096, 8192, 65_536]) {
        const answer = await pageAnswer(pageOf([huge, row('2')], { byteBudget, format }))
        expect(bytesOf(answer)).toBeLessThanOrEqual(byteBudget)
        expect(answer.text).toMatch(/^- 2026 \| ä+… \| o1$/m)
        expect(JSON.stringify(answer.structured)).toMatch(/"o1"/)
      }
      const { structured } = await pageAnswer(pageOf([huge], { format }))
      if (format !== 'table') expect(JSON.stringify(structured)).toContain('{"code":"c100"}')
    },
  )

  it('holds for what was asked and what is noted, however much that is', async () => {
    const notes = Array.from({ length: 500 }, () => ({
      severity: 'information' as const,
      code: 'informational',
      text: 'n'.repeat(1000),
    }))
    const given = { asked: 'q'.repeat(100_000), self: `Patient?name=${'q'.repeat(100_000)}`, notes }
    const answer = await pageAnswer(pageOf([row('1')], given))
    expect(bytesOf(answer)).toBeLessThanOrEqual(65_536)
    expect(answer.structured).toMatchObject({ link: [{ relation: 'self', url: 'Patient' }] })
    expect(answer.text).toMatch(/Warning: \d+ more notes are left out for size\./)
  })

  it('counts what was asked and what is noted', async () => {
    const rows = Array.from({ length: 40 }, (_, n) => row(String(n), 300))
    const notes = [{ severity: 'warning', code: 'incomplete', text: 'n'.repeat(3000) }] as const
    const long = { asked: 'q'.repeat(1000), self: `Patient?name=${'q'.repeat(1000)}`, notes }
    const answer = await pageAnswer(pageOf(rows, { ...long, byteBudget: 16_384 }))
    expect(bytesOf(answer)).toBeLessThanOrEqual(16_384)
    const short = await pageAnswer(pageOf(rows, { byteBudget: 16_384 }))
    expect(answer.text?.match(/^- /gm)?.length).toBeLessThan(short.text?.match(/^- /gm)?.length ?? 0)
  })

  it('says how many rows fit', () => {
    const rows = [row('1', 2000), row('2', 2000), row('3', 2000)]
    expect(rowsThatFit({ rows, format: 'fhir', byteBudget: 65_536 })).toBe(3)
    expect(rowsThatFit({ rows, format: 'fhir', byteBudget: 8192 })).toBe(2)
    expect(rowsThatFit({ rows, format: 'fhir', byteBudget: 4096 })).toBe(1)
    expect(rowsThatFit({ rows: [], format: 'fhir', byteBudget: 4096 })).toBe(0)
  })
})
