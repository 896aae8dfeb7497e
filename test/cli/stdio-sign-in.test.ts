import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readEnvironment } from '../../src/config/env.ts'
import { createLoginTokens } from '../../src/login/login-tokens.ts'
import { loginSettings } from '../../src/login/settings.ts'
import { tokenFile } from '../../src/login/token-file.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { createBrowser } from '../login/browser.ts'
import { finished, jupyterHealthVariables, start, temporaryFolder } from '../login/machine.ts'
import { startUpstream, type Upstream, type UpstreamOptions } from '../login/upstream.ts'
import { rpc } from '../plugins/gateway.ts'

let exchange: TestExchange<unknown>
let upstream: Upstream

beforeEach(async () => {
  upstream = await startUpstream()
  // The exchange knows the tokens of its own issuer, and only as long as they work.
  const authorize = (token: string) => (upstream.isActive(token) ? 'both_member' : undefined)
  exchange = await startExchange({ dialect: 'jupyterhealth', authorize })
})
afterEach(async () => {
  await upstream.close()
  await exchange.close()
})

async function upstreamWith(options: UpstreamOptions): Promise<void> {
  await upstream.close()
  upstream = await startUpstream(options)
}

const variables = (folder = temporaryFolder()) => ({
  ...jupyterHealthVariables(upstream, folder),
  FHIR_MCP_FHIR_BASE_URL: exchange.url,
})

/** The command with a client of its own, and a person at the browser. */
async function connected(environment: Record<string, string>, people: string[] = ['ada']) {
  const opened: string[] = []
  const running = start(['stdio'], environment, async (url) => {
    opened.push(url)
    const person = people.shift()
    if (person !== undefined) await createBrowser().signIn(url, { person })
  })
  const send = (message: object) => void running.stdin.write(`${JSON.stringify(message)}\n`)
  const answerTo = async (id: string) => {
    const line = await running.shown(new RegExp(`^(.*"id":"${id}".*)$`, 'm'))
    return JSON.parse(line)
  }
  let calls = 0
  const ask = async (method: string, params: Record<string, unknown>) => {
    calls += 1
    const id = `call-${calls}`
    send(rpc(method, params, id))
    return answerTo(id)
  }
  const call = async (name: string, input: object = {}) => {
    const { result } = await ask('tools/call', { name, arguments: input })
    return { isError: result.isError === true, text: String(result.content[0].text) }
  }
  const clientInfo = { name: 'test', version: '1' }
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  return { running, opened, ask, call, send }
}

describe('stdio without a token', () => {
  it('signs in by the browser at the first call, and asks the exchange with the access token of that sign-in', async () => {
    const { running, opened, call } = await connected(variables())
    expect(opened).toEqual([])
    const studies = await call('list_studies')
    expect(studies.isError, studies.text).toBe(false)
    expect(studies.text).toContain('30006')
    expect(opened).toHaveLength(1)
    expect(running.written().stderr).toContain(opened[0])
    const tokens = exchange.requests
      .map(({ headers }) => headers.authorization?.replace('Bearer ', ''))
      .filter((token) => token !== undefined)
    expect(new Set(tokens).size).toBe(1)
    expect(upstream.isActive(tokens[0] ?? '')).toBe(true)
    await call('list_studies')
    expect(opened).toHaveLength(1)
  })

  it('writes nothing but the protocol to stdout', async () => {
    const { running, call } = await connected(variables())
    await call('list_studies')
    for (const line of running.written().stdout.trim().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
    }
  })

  it('lists all tools and completes nothing for a client that only looks around, without a sign-in', async () => {
    const { opened, ask, call } = await connected(variables())
    const listed = await ask('tools/list', {})
    expect(listed.result.tools).toHaveLength(16)
    const ref = { type: 'ref/resource', uri: 'exchange://study/{id}' }
    const complete = { ref, argument: { name: 'id', value: '' } }
    expect((await ask('completion/complete', complete)).result.completion).toEqual({
      values: [],
      total: 0,
      hasMore: false,
    })
    expect(opened).toEqual([])
    await call('get_study_count')
    expect((await ask('completion/complete', complete)).result.completion.values).toContain('30006')
    expect((await ask('tools/list', {})).result.tools.length).toBeGreaterThan(0)
    expect(opened).toHaveLength(1)
  })

  it('signs in for a resource too', async () => {
    const { ask } = await connected(variables())
    const read = await ask('resources/read', { uri: 'exchange://study/30006' })
    expect(read.result.contents[0].text).toContain('30006')
  })

  it('answers a sign-in that was denied, and begins anew at the next call', async () => {
    const { opened, call } = await connected(variables(), ['stranger', 'ada'])
    const denied = await call('list_studies')
    expect([denied.isError, denied.text]).toEqual([true, expect.stringContaining('FHIR_MCP_UNAUTHENTICATED')])
    expect(exchange.count).toBe(0)
    expect((await call('list_studies')).isError).toBe(false)
    expect(opened).toHaveLength(2)
  })

  it('uses a sign-in that is there already, and one that was renewed or ended elsewhere', async () => {
    const environment = variables()
    await finished(['login'], environment, async (url) => void (await createBrowser().signIn(url)))
    const { opened, call } = await connected(environment)
    expect((await call('list_studies')).isError).toBe(false)
    expect(opened).toEqual([])
    // Another process renews: the old access token is dead, the exchange takes only the new one.
    const settings = loginSettings(readEnvironment(environment))
    if (settings === undefined) throw new Error('no client')
    const file = tokenFile(settings)
    const another = { settings, file, signIn: undefined, callPatience: 0, now: () => Date.now() }
    const { signal } = new AbortController()
    const stale = await createLoginTokens(another).tokens(signal)
    await createLoginTokens(another).tokens(signal, stale)
    expect([upstream.refreshes(), upstream.isActive(stale.accessToken)]).toEqual([1, false])
    exchange.reset()
    expect((await call('list_studies')).isError).toBe(false)
    expect(
      exchange.requests.every(({ headers }) => upstream.isActive(headers.authorization?.slice(7) ?? '')),
    ).toBe(true)
    await finished(['logout'], environment)
    expect((await call('list_studies')).isError).toBe(false)
    expect(opened).toHaveLength(1)
  })

  it('renews tokens whose claims are too old, once, and reads the new claims', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const people = { ada: { jhe_permissions: { studies: ['30006'], organizations: [] as object[] } } }
    await upstreamWith({ people, idTokenTtl: 36_000 })
    const { opened, call } = await connected({ ...variables(), ...jwtOnly })
    expect((await call('get_study_count')).text).toContain('1')
    people.ada.jhe_permissions.studies = []
    vi.advanceTimersByTime(890_000)
    expect((await call('get_my_access')).text).toContain('Studies (1): 30006')
    vi.advanceTimersByTime(11_000)
    expect((await call('get_my_access')).text).toContain('Studies (0): none')
    expect([opened.length, upstream.refreshes()]).toEqual([1, 1])
  })

  it('says to sign in again when the issuer refuses to renew, and does so at the next call', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { opened, call, ask } = await connected(variables(), ['ada'])
    await call('list_studies')
    vi.advanceTimersByTime(86_400_000)
    upstream.revokeAll()
    expect((await ask('tools/list', {})).result.tools).toHaveLength(16)
    const waiting = call('list_studies')
    await expect.poll(() => opened.length).toBe(2)
    void waiting
  })

  it('ends while somebody is asked to sign in: when it is stopped, and when its client goes', async () => {
    for (const end of ['stop', 'hang up'] as const) {
      const { running, opened, send } = await connected(variables(), [])
      send(rpc('tools/call', { name: 'list_studies', arguments: {} }, 'waiting'))
      await expect.poll(() => opened.length).toBe(1)
      if (end === 'stop') running.stop()
      else running.stdin.end()
      expect(await running.code).toBe(0)
      const redirect = new URL(opened[0] ?? '').searchParams.get('redirect_uri') ?? ''
      await expect
        .poll(() =>
          fetch(redirect).then(
            () => 'there',
            () => 'gone',
          ),
        )
        .toBe('gone')
    }
  })

  it('keeps no tokens when the person may see nothing that can be read', async () => {
    await upstreamWith({ people: { ada: {} } })
    const folder = temporaryFolder()
    const environment = variables(folder)
    const { call } = await connected(environment)
    expect((await call('list_studies')).text).toContain('FHIR_MCP_NO_PERMISSIONS')
    expect(readdirSync(folder)).toEqual([])
  })
})

/** Claims of the ID token alone, so that they have an age. */
const jwtOnly = { FHIR_MCP_AUTH_SOURCES: 'jwt', FHIR_MCP_AUTH_AUDIENCE: 'assistant' }
