import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askToSignIn, person } from '../page/setting.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

let demo: RunningDemo
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo.close())

describe('the start page of the demo', () => {
  it.each([
    ['Maya', ['study-a', 'study-c'], ['study-b']],
    ['Victor', ['study-b'], ['study-a', 'study-c']],
    ['Sam', [], ['study-a', 'study-b', 'study-c']],
  ] as const)('shows %s what that person may reach', async (name, seen, unseen) => {
    const { origin } = new URL(demo.mcpUrl)
    const browser = person()
    const people = await askToSignIn(browser, origin)
    const page = await browser.submit(people, [
      ['person', name],
      ['decision', 'allow'],
    ])
    expect(page.url.href).toBe(`${origin}/`)
    expect(page.html).toContain(`<bdi>${name}</bdi>`)
    for (const study of seen) expect(page.html).toContain(`<bdi>${study}</bdi>`)
    for (const study of unseen) expect(page.html).not.toContain(study)
    expect(page.html.includes('No study and no organization')).toBe(name === 'Sam')
  })
})
