import { describe, expect, it } from 'vitest'
import { singleAnswer } from '../../src/results/single.ts'

const bytesOf = (answer: { structured?: object; text?: string }) =>
  Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)

describe('one resource as an answer', () => {
  const small = { resourceType: 'ResearchStudy', id: 's1' }
  const large = { ...small, text: 'x'.repeat(9000) }
  const single = {
    asked: 'Study s1',
    lines: ['a', 'b'],
    notes: ['note'],
    byteBudget: 8192,
    asOf: '2026-11-23T05:00:00Z',
  }

  it('has what was asked, when, what it says and what has to be known', () => {
    expect(singleAnswer({ ...single, resource: small })).toEqual({
      structured: small,
      text: 'Study s1\nas of 2026-11-23T05:00:00Z\na\nb\nNote: note',
    })
  })

  it('is the pruned one where the whole does not fit, and says so', () => {
    const { structured, text } = singleAnswer({ ...single, resource: large, smaller: small })
    expect(structured).toBe(small)
    expect(text).toContain('it is given pruned')
  })

  it('is without what is too large where nothing smaller fits, and says so', () => {
    const answer = singleAnswer({ ...single, resource: large })
    expect(answer.structured).toMatchObject({ id: 's1', meta: { tag: [{ code: 'SUBSETTED' }] } })
    expect(answer.structured).not.toHaveProperty('text')
    const neither = singleAnswer({ ...single, resource: large, smaller: { ...large, id: 's2' } })
    expect(neither.structured).toMatchObject({ id: 's2' })
    expect(neither.text).toContain('what is too large of it is left out')
    expect(bytesOf(answer)).toBeLessThanOrEqual(8192)
    expect(bytesOf(neither)).toBeLessThanOrEqual(8192)
  })

  it('is within its bytes, whatever is large in it', () => {
    const parameter = Array.from({ length: 10_000 }, (_, n) => ({
      name: `n${n}`,
      valueString: 'x'.repeat(100),
    }))
    const resource = { resourceType: 'Parameters', parameter }
    const notes = Array.from({ length: 100 }, () => 'n'.repeat(1000))
    for (const byteBudget of [4096, 65_536]) {
      const answer = singleAnswer({ ...single, resource, notes, byteBudget })
      expect(bytesOf(answer)).toBeLessThanOrEqual(byteBudget)
      expect(answer.structured).not.toHaveProperty('meta')
      expect(JSON.stringify(answer.structured)).toContain('{"name":"n0","valueString":"x')
      expect(answer.text).toMatch(/Note: \d+ more notes are left out for size\./)
    }
  })

  it('leaves lines that do not fit to the structured answer', () => {
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n} ${'x'.repeat(200)}`)
    const answer = singleAnswer({ ...single, lines, resource: small })
    expect(answer.text).toContain('line 0 ')
    expect(answer.text).toContain('More is in the structured answer only.\nNote: note')
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(8192)
  })
})
