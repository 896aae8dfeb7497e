import { describe, expect, it } from 'vitest'
import { singleAnswer } from '../../src/results/single.ts'

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

  it('is never cut: whole where there is nothing smaller that fits, and says so', () => {
    expect(singleAnswer({ ...single, resource: large }).structured).toBe(large)
    const neither = singleAnswer({ ...single, resource: large, smaller: { ...large, id: 's2' } })
    expect(neither.text).toContain('it is given whole')
  })

  it('leaves lines that do not fit to the structured answer', () => {
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n} ${'x'.repeat(200)}`)
    const answer = singleAnswer({ ...single, lines, resource: small })
    expect(answer.text).toContain('line 0 ')
    expect(answer.text).toContain('More is in the structured answer only.\nNote: note')
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(8192)
  })
})
