import { describe, expect, it } from 'vitest'
import { anchorsOf, brokenLinks, documents } from './markdown.ts'

describe('the links of the documents', () => {
  it.each(documents())('%s: every file and heading is there', (document) => {
    expect(brokenLinks(document)).toEqual([])
  })

  it('the control: a file or heading that is not there is found', () => {
    const text = '[a](errors.md) [b](nowhere.md) [c](errors.md#nothing) [d](#here) [e](#not)\n\n## Here\n'
    expect(brokenLinks('docs/broker.md', text)).toEqual(['nowhere.md', 'errors.md#nothing', '#not'])
  })

  it('anchors are those of GitHub', () => {
    expect([...anchorsOf('# `a_b` & C\n\n```\n# no\n```\n\n## A (b)\n\n## A (b)\n')]).toEqual([
      'a_b--c',
      'a-b',
      'a-b-1',
    ])
  })
})
