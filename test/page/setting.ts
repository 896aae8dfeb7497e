import { Browser, type Visited } from '../broker/browser.ts'
import { type Standalone, startStandalone } from '../cli/standalone.ts'
import { type Running, start } from '../login/machine.ts'

/** `serve` with its start page, before a JupyterHealth Exchange. */
export interface PageSetting extends Standalone {
  readonly running: Running
}

/** Starts `serve` with the broker and the page; it ends with the test. Variables of `more` count before all others. */
export async function startPageSetting(more: Readonly<Record<string, string>> = {}): Promise<PageSetting> {
  const standalone = await startStandalone()
  const running = await serving({ ...standalone.environment, FHIR_MCP_PAGE: 'true', ...more })
  return { ...standalone, running }
}

/** Starts `serve` with these variables, and waits until it listens. */
export async function serving(environment: Readonly<Record<string, string>>): Promise<Running> {
  const running = start(['serve'], environment)
  await running.shown(/Server listening at/)
  return running
}

/** A browser that stops nowhere. */
export function person(): Browser {
  return new Browser('stops:nowhere')
}

/** Goes from the page to the broker's consent page. */
export async function askToSignIn(browser: Browser, origin: string): Promise<Visited> {
  const page = await browser.visit(`${origin}/`)
  const link = /<a class="button" href="([^"]*)"/.exec(page.html)?.[1]
  if (link === undefined) throw new Error(`no sign-in on ${page.html}`)
  return browser.visit(link)
}

/** Allows what a consent page asks for. */
export function allow(
  browser: Browser,
  consent: Visited,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Visited> {
  const scopes = [...consent.html.matchAll(/name="scope" value="([^"]*)"/g)].map(
    ([, scope = '']) => ['scope', scope] as const,
  )
  return browser.submit(consent, [...scopes, ['decision', decision]])
}

/** Signs somebody in to the end; the page that shows their reach. */
export async function signedIn(browser: Browser, origin: string): Promise<Visited> {
  return allow(browser, await askToSignIn(browser, origin))
}
