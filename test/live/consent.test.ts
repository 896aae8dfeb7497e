import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complaintsOf, noChromium, screenshots, startChromium } from './chromium.ts'
import { type ConsentSite, startConsentSite } from './consent-site.ts'
import { contrasts } from './contrast.ts'

if (noChromium !== undefined) console.warn(`Skipped: the consent page in a browser, since ${noChromium}.`)

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } } as const
const cases = ['proven', 'many', 'superuser', 'hostile', 'rtl', 'nothing', 'error', 'continue'] as const

describe.skipIf(noChromium !== undefined)('the consent page in Chromium, without scripts', () => {
  let browser: Browser
  let site: ConsentSite

  beforeAll(async () => {
    site = await startConsentSite()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  async function open(
    path: string,
    look: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: sizes.desktop, ...look })
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    await page.goto(`${site.url}${path}`)
    return { page, complaints }
  }

  describe.each(Object.keys(sizes) as (keyof typeof sizes)[])('on a %s', (size) => {
    describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
      it.each(cases)('shows the page "%s" styled, readable and without a complaint', async (name) => {
        const { page, complaints } = await open(`/page/${name}`, { viewport: sizes[size], colorScheme })
        expect(complaints).toEqual([])
        const details = page.locator('details')
        for (let index = 0; index < (await details.count()); index += 1) {
          await details.nth(index).locator('summary').click()
        }
        const found = await contrasts(page)
        expect(found.length).toBeGreaterThan(2)
        expect(found.filter(({ ratio }) => ratio < 4.5)).toEqual([])
        if (screenshots !== undefined) {
          await page.goto(`${site.url}/page/${name}`)
          await page.screenshot({ path: `${screenshots}/${name}-${size}-${colorScheme}.png`, fullPage: true })
        }
        await page.context().close()
      })
    })
  })

  it.each(cases)('needs no sideways scrolling at 320 px: %s', async (name) => {
    const { page } = await open(`/page/${name}`, { viewport: { width: 320, height: 640 } })
    const [wide, seen] = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]').then(pair)
    expect(wide).toBeLessThanOrEqual(seen)
    await page.context().close()
  })

  it('would see sideways scrolling, poor contrast and a style that the policy forbids', async () => {
    const { page, complaints } = await open('/page/control', { viewport: { width: 320, height: 640 } })
    const [wide, seen] = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]').then(pair)
    expect(wide).toBeGreaterThan(seen)
    expect(complaints.join()).toContain('Content Security Policy')
    await page.goto(`${site.url}/page/pale`)
    expect((await contrasts(page)).some(({ ratio }) => ratio < 4.5)).toBe(true)
    await page.context().close()
  })

  it('reads well to a screen reader: landmarks, headings, groups, names of fields', async () => {
    const { page } = await open('/page/proven')
    expect(await page.getAttribute('html', 'lang')).toBe('en')
    expect(await page.title()).not.toBe('')
    const tree = await page.locator('body').ariaSnapshot()
    expect(tree).toMatchSnapshot()
    await page.context().close()
  })

  it('is answered by the keyboard alone: a scope is taken away, the rest is allowed', async () => {
    const { page, complaints } = await open('/page/proven')
    const order: string[] = []
    for (let index = 0; index < 6; index += 1) {
      await page.keyboard.press('Tab')
      const focused = page.locator(':focus')
      order.push((await focused.getAttribute('value')) ?? '')
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      expect(outline).toBe('solid')
      if (index === 2) await page.keyboard.press('Space')
    }
    expect(order).toEqual([
      'user/ResearchStudy.rs',
      'user/Patient.rs',
      'user/Observation.rs',
      'offline_access',
      'deny',
      'allow',
    ])
    await page.keyboard.press('Enter')
    await page.waitForURL('**/landed**')
    expect(site.answers.at(-1)).toEqual([
      ['csrf', 'a-token-of-the-form'],
      ['scope', 'user/ResearchStudy.rs'],
      ['scope', 'user/Patient.rs'],
      ['scope', 'offline_access'],
      ['decision', 'allow'],
    ])
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('denies on Enter in a check box: nothing is allowed by accident', async () => {
    const { page } = await open('/page/proven')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/landed**')
    expect(site.answers.at(-1)).toContainEqual(['decision', 'deny'])
    await page.context().close()
  })

  it('comes back to the client through its own redirects, which a redirect after the form would not', async () => {
    const { page, complaints } = await open('/page/proven')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL('**/landed**')
    expect(new URL(page.url()).origin).toBe(site.client)
    expect(site.referrers).toEqual(site.referrers.map(() => undefined))
    expect(complaints).toEqual([])

    const control = await open('/page/redirecting')
    await control.page.getByRole('button', { name: 'Allow' }).click()
    await expect.poll(() => control.complaints.join()).toContain('form-action')
    expect(new URL(control.page.url()).origin).toBe(site.url)
    await page.context().close()
    await control.page.context().close()
  })

  it('sends its own origin with the form, so that the server can check it', async () => {
    expect(site.origins.length).toBeGreaterThan(0)
    expect(new Set(site.origins)).toEqual(new Set([site.url]))
  })

  it('is not shown in a frame', async () => {
    const { page, complaints } = await open('/page/framing')
    await expect.poll(() => complaints.join()).toMatch(/frame-ancestors|X-Frame-Options/i)
    await page.context().close()
  })
})

function pair(value: unknown): readonly [number, number] {
  const [first, second] = value as [number, number]
  return [first, second]
}
