import { inspect } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { readEnvironment } from '../../src/config/env.ts'
import { beginAuthorization } from '../../src/login/authorization.ts'
import { openIssuer } from '../../src/login/issuer-client.ts'
import { loginSettings } from '../../src/login/settings.ts'
import { rpc } from '../plugins/gateway.ts'
import { createBrowser, type Page } from './browser.ts'
import { confidentialVariables, finished, jupyterHealthVariables, start, temporaryFolder } from './machine.ts'
import { confidentialClient, startUpstream } from './upstream.ts'

/** Everything that a person, an assistant or a log gets to see of a whole life of a sign-in, and of one that failed. */
async function everythingShown() {
  const upstream = await startUpstream()
  onTestFinished(() => upstream.close())
  const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...confidentialVariables }
  const shown: string[] = []
  const pages: Promise<Page>[] = []
  const openBrowser = async (url: string) => {
    shown.push(url)
    pages.push(createBrowser().signIn(url))
  }
  const keep = async (argv: string[]) => {
    const { stdout, stderr } = await finished(argv, environment, openBrowser)
    shown.push(stdout, stderr)
  }
  await keep(['login'])
  await keep(['whoami'])

  const stdio = start(['stdio'], { ...environment, FHIR_MCP_LOG_LEVEL: 'trace' }, openBrowser)
  const clientInfo = { name: 'test', version: '1' }
  const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const call = (name: string, id: string) => rpc('tools/call', { name, arguments: {} }, id)
  for (const message of [
    rpc('initialize', initialize, 'init'),
    call('get_my_access', 'access'),
    call('list_studies', 'failing'),
  ]) {
    stdio.stdin.write(`${JSON.stringify(message)}\n`)
    await stdio.shown(new RegExp(`"id":"${message.id}"`))
  }
  stdio.stop()
  await stdio.code
  shown.push(...Object.values(stdio.written()))

  await keep(['logout'])
  upstream.revokeAll()
  await keep(['login'])
  await keep(['logout'])
  for (const page of await Promise.all(pages)) shown.push(page.body, inspect([...page.headers]))
  return { upstream, environment, shown }
}

it('no token, code or secret is ever shown: terminal, log, protocol, page, address', async () => {
  const { upstream, shown } = await everythingShown()
  const everything = shown.join('\n')
  // The control: it was looked at, and there is something to find.
  for (const words of [
    'Signed in.',
    'Northlake Clinic',
    'You are signed in',
    'Signed out',
    'Not signed in',
  ]) {
    expect(everything).toContain(words)
  }
  expect(upstream.secrets.size).toBeGreaterThanOrEqual(4)
  for (const secret of [...upstream.secrets, confidentialClient.secret]) {
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain(encodeURIComponent(secret))
  }
})

it('no error holds a code, a token or a secret, however it is printed', async () => {
  const upstream = await startUpstream()
  onTestFinished(() => upstream.close())
  const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...confidentialVariables }
  const settings = loginSettings(readEnvironment(environment))
  if (settings === undefined) throw new Error('no client')
  const issuer = await openIssuer(settings)
  const thrown: unknown[] = []
  const changes: ((query: URLSearchParams) => void)[] = [
    (query) => query.set('state', 'mine'),
    (query) => query.set('iss', 'http://127.0.0.1:9'),
    (query) => query.set('error', 'access_denied'),
    () => upstream.failWith(500),
    () => upstream.failWith(200),
    () => upstream.revokeAll(),
  ]
  for (const change of changes) {
    const authorization = await beginAuthorization(issuer, settings, 'http://127.0.0.1:50000/callback')
    const redirect = await createBrowser().redirectOf(authorization.url.href)
    change(redirect.searchParams)
    thrown.push(await authorization.redeem(redirect).catch((error: unknown) => error))
  }
  const printed = inspect(thrown, { depth: 20, showHidden: true })
  expect(thrown.map((error) => (error as { code?: string }).code)).toEqual([
    'FHIR_MCP_TOKEN_INVALID',
    'FHIR_MCP_TOKEN_INVALID',
    'FHIR_MCP_UNAUTHENTICATED',
    'FHIR_MCP_ISSUER_UNAVAILABLE',
    'FHIR_MCP_ISSUER_UNAVAILABLE',
    'FHIR_MCP_UNAUTHENTICATED',
  ])
  expect(upstream.secrets.size).toBeGreaterThanOrEqual(changes.length)
  for (const secret of [...upstream.secrets, confidentialClient.secret]) expect(printed).not.toContain(secret)
})
