import type { Browser, Page } from 'playwright-core'
import { complaintsOf } from './chromium.ts'

/** A page of a browser of its own, and everything that it shows or sends. */
export interface WatchedPage {
  readonly page: Page
  /** What the browser complained of, of its own accord: a policy that was broken, a script that failed. */
  readonly complaints: readonly string[]
  /** Every address that was asked for. */
  readonly addresses: readonly string[]
  /** Texts of all pages, and every `Referer`. */
  shown(): Promise<string>
  /** Addresses that the back button leads to, the current one last. */
  history(): Promise<string[]>
}

/** Opens an address in a fresh browser without cookies. */
export async function openWatched(browser: Browser, address: string): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const page = await context.newPage()
  const complaints = complaintsOf(page)
  const addresses: string[] = []
  const texts: string[] = []
  const referrers: Promise<string>[] = []
  const protocol = await context.newCDPSession(page)
  page.on('request', (request) => {
    addresses.push(request.url())
    referrers.push(request.allHeaders().then(({ referer = '' }) => referer))
  })
  // Pages that go on by themselves are gone before they can be asked for their text.
  protocol.on('Fetch.requestPaused', async ({ requestId, responseStatusCode = 0 }) => {
    if (responseStatusCode < 300 || responseStatusCode >= 400) {
      const { body, base64Encoded } = await protocol.send('Fetch.getResponseBody', { requestId })
      texts.push(Buffer.from(body, base64Encoded ? 'base64' : 'utf8').toString())
    }
    await protocol.send('Fetch.continueRequest', { requestId })
  })
  const patterns = [{ requestStage: 'Response', resourceType: 'Document' } as const]
  await protocol.send('Fetch.enable', { patterns })
  await page.goto(address)
  return {
    page,
    complaints,
    addresses,
    shown: async () => [...texts, ...(await Promise.all(referrers)), await page.content()].join('\n'),
    async history() {
      const { entries, currentIndex } = await protocol.send('Page.getNavigationHistory')
      return entries.slice(0, currentIndex + 1).map(({ url }) => url)
    },
  }
}
