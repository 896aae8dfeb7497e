import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Why there is no Chromium to test with; undefined where there is. */
export const noChromium = existsSync(executablePath)
  ? undefined
  : `there is no Chromium at ${executablePath} (CHROMIUM_PATH says where it is)`

/** Folder for screenshots of the pages; undefined: none are taken. */
export const screenshots = process.env.CONSENT_SCREENSHOTS

/** Starts Chromium without a window. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** What the browser complains of on a page from now on: a policy that was broken, a script that failed; not a missing icon. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (!message.location().url.endsWith('/favicon.ico')) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}
