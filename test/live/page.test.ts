import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PageSetting, startPageSetting } from '../page/setting.ts'
import { complaintsOf, noChromium, screenshots, startChromium } from './chromium.ts'
import { contrasts } from './contrast.ts'

if (noChromium !== undefined) console.warn(`Skipped: the start page in a browser, since ${noChromium}.`)

const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  'phone-light': { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  'phone-dark': { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
} as const

describe.skipIf(noChromium !== undefined)('the start page in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())

  async function open(url: string, look: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext(look)
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    const origins = new Set<string>()
    page.on('request', (request) => origins.add(new URL(request.url()).origin))
    await page.goto(url)
    return { page, complaints, origins }
  }

  async function unfold(page: Page) {
    const summaries = page.locator('summary')
    for (let at = 0; at < (await summaries.count()); at += 1) await summaries.nth(at).click()
  }

  /** A person with many studies, one of which has a name to break pages with. */
  async function crowdedSetting(): Promise<PageSetting> {
    const setting = await startPageSetting()
    const { studies } = setting.exchange.cohort
    const [first, second] = studies
    if (first === undefined || second === undefined) throw new Error('the cohort has no studies')
    const added = Array.from({ length: 12 }, (_, at) => ({
      ...first,
      id: 31_000 + at,
      name: `Added study ${at + 1}`,
    }))
    studies.push(...added)
    studies[1] = { ...second, name: `<script>document.title='taken'</script>${'W'.repeat(70)}` }
    setting.upstream.claims.set('10012', {
      studies: ['30006', '30007', ...added.map(({ id }) => String(id))],
      organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'manager' }],
    })
    return setting
  }

  it.each(Object.keys(looks) as (keyof typeof looks)[])(
    'is readable in %s, before and after sign-in, and asks no other origin for anything',
    async (name) => {
      const { origin } = await crowdedSetting()
      const { page, complaints, origins } = await open(origin, looks[name])
      const look = async (what: string) => {
        const found = await contrasts(page)
        expect(found.length).toBeGreaterThan(10)
        expect(found.filter(({ ratio }) => ratio < 4.5)).toEqual([])
        const [wide, seen] = (await page.evaluate(
          '[document.documentElement.scrollWidth, innerWidth]',
        )) as number[]
        expect(wide).toBeLessThanOrEqual(seen ?? 0)
        if (screenshots === undefined) return
        await page.screenshot({ path: `${screenshots}/page-${what}-${name}.png`, fullPage: true })
      }
      await look('start')
      await unfold(page)
      await look('unfolded')
      expect([...origins]).toEqual([origin])
      await page.getByRole('link', { name: 'Sign in to see what you may reach' }).click()
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.waitForURL(`${origin}/`)
      await look('signed-in')
      expect(await page.title()).toBe('Study data for your AI assistant')
      expect(complaints).toEqual([])
      await page.getByRole('button', { name: 'Forget this' }).click()
      await page.getByRole('link', { name: 'Sign in to see what you may reach' }).waitFor()
      expect(complaints).toEqual([])
      await page.context().close()
    },
  )

  it('is readable too when a sign-in did not work, and leads back', async () => {
    const { origin } = await startPageSetting()
    const { page, origins } = await open(`${origin}/page/callback?code=a&state=b`, looks['phone-dark'])
    expect((await contrasts(page)).filter(({ ratio }) => ratio < 4.5)).toEqual([])
    if (screenshots !== undefined) await page.screenshot({ path: `${screenshots}/page-trouble.png` })
    await page.getByRole('link', { name: 'Back to the start' }).click()
    await page.getByRole('heading', { name: 'Study data for your AI assistant' }).waitFor()
    expect([...origins]).toEqual([origin])
    await page.context().close()
  })

  it('copies by a button where scripts run, and is whole where they do not', async () => {
    const { origin } = await startPageSetting()
    const permissions = ['clipboard-read', 'clipboard-write']
    const { page, complaints } = await open(origin, { permissions })
    await page.locator('summary', { hasText: 'Cursor' }).click()
    const button = page.getByRole('button', { name: 'Copy the text for Cursor' }).first()
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor({ state: 'attached' })
    const copied: unknown = await page.evaluate('navigator.clipboard.readText()')
    expect(String(copied)).toContain(`${origin}/mcp`)
    expect(complaints).toEqual([])
    await page.context().close()

    const without = await open(origin, { javaScriptEnabled: false })
    expect(await without.page.getByRole('button').count()).toBe(0)
    await without.page.locator('summary', { hasText: 'Cursor' }).click()
    expect(await without.page.locator('details[open] pre').first().textContent()).toContain(`${origin}/mcp`)
    await without.page.context().close()
  })

  it('is one heading of the first level, named regions and a language to a screen reader', async () => {
    const { origin } = await startPageSetting()
    const { page } = await open(origin)
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    for (const name of ['Address', 'What you may reach', 'Connect your assistant']) {
      expect(await page.getByRole('region', { name }).count()).toBe(1)
    }
    await page.context().close()
  })

  it('would see a script in the page and a request elsewhere: neither runs', async () => {
    const { origin } = await startPageSetting()
    const { page, complaints } = await open(origin)
    await page.evaluate(`document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }));
      document.body.append(Object.assign(document.createElement('img'), { src: 'https://elsewhere.example/x.png' }))`)
    await expect.poll(() => complaints.join('\n')).toMatch(/script-src[\s\S]*(img-src|default-src)/)
    expect(await page.evaluate('window.ran')).toBeUndefined()
    await page.context().close()
  })
})
