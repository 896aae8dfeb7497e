import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/exchange.ts'
import { type JupyterHealthCohort, jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { Assistant, post } from '../broker/assistant.ts'
import { brokerOptions, manager } from '../broker/setting.ts'
import { startUpstream, type TestUpstream, upstreamClient } from '../broker/upstream.ts'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts'
import { type PublicProxy, startProxy } from './proxy.ts'
import { noRedis, startRedis } from './redis-server.ts'

if (noRedis !== undefined) console.warn(`Skipped: a gateway of two processes, since ${noRedis}.`)

const twoWeeks = 1_209_600_000
/** Milliseconds for which a process that was killed keeps the others from a sign-in that it was about to refresh. */
const longest = 10_000

describe.skipIf(noRedis !== undefined)('a gateway of two processes on one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let looking: ReturnType<typeof createClient>
  let proxy: PublicProxy
  let upstream: TestUpstream
  let exchange: TestExchange<JupyterHealthCohort>
  let options: BrokerOptions
  let first: GatewayProcess
  let second: GatewayProcess
  let assistant: Assistant
  let tokenUrl: string

  beforeAll(async () => {
    redis = await startRedis()
    looking = createClient({ url: redis.url })
    await looking.connect()
  })
  afterAll(async () => {
    await looking?.close()
    await redis?.close()
  })
  beforeEach(async () => {
    await looking.flushAll()
    proxy = await startProxy()
    upstream = await startUpstream(`${proxy.origin}/oauth/callback`)
    upstream.person = manager.id
    upstream.claims.set(manager.id, manager.claim)
    const cohort = jupyterHealthCohort()
    exchange = await startExchange({
      dialect: 'jupyterhealth',
      cohort,
      authorize: (token) =>
        cohort.users.find(({ id }) => String(id) === upstream.accessTokens.get(token))?.name,
    })
    options = { ...(await brokerOptions(proxy.origin, upstream.issuer)), storage: { redis: redis.url } }
    const started = [1, 2].map(() => startGatewayProcess(options, exchange.url))
    ;[first, second] = (await Promise.all(started)) as [GatewayProcess, GatewayProcess]
    proxy.to = first.port
    assistant = new Assistant(`${proxy.origin}/mcp`)
    tokenUrl = `${proxy.origin}/oauth/token`
  })
  afterEach(async () => {
    for (const end of [first, second]) await end?.kill()
    for (const end of [proxy, upstream, exchange]) await end?.close()
    expect(secretsIn(first.output() + second.output())).toEqual([])
  })

  function secretsIn(output: string): string[] {
    const ours = [...options.cookieSecrets, options.encryptionKey, ...options.keys.map(({ d }) => d)].flat()
    const { access_token: access = '-', refresh_token: refresh = '-' } = assistant.stored ?? {}
    const mine = [upstreamClient.clientSecret, assistant.verifier, access, refresh]
    const words = ['code=', 'state=', 'eyJ', ...ours, ...mine, ...upstream.secrets]
    return words.filter((word) => word !== '' && word !== '-' && output.includes(word))
  }

  async function killFirst() {
    await first.kill()
    proxy.to = second.port
  }

  /** Kills the first one once the upstream has its request for tokens; what was asked of it is lost. */
  async function killInTheMiddle<T>(what: 'unread' | 'answered', asked: () => Promise<T>): Promise<unknown> {
    const reached = upstream.loseNext(what)
    const ended = asked().then(
      () => 'answered',
      (thrown: unknown) => thrown,
    )
    await reached
    await killFirst()
    return ended
  }

  const lockOf = ({ claims }: Assistant) => `fhir-mcp:Lock:holding:${claims.grant_id}`
  const kept = async (area: string) => (await looking.keys(`fhir-mcp:${area}:*`)).length
  const refreshForm = ({ stored, information }: Assistant) => ({
    grant_type: 'refresh_token',
    refresh_token: stored?.refresh_token ?? '',
    client_id: information?.client_id ?? '',
  })
  /** What a client sees of a server that went away: no answer, so nothing that it could take for one. */
  const connectionLost = expect.objectContaining({ name: 'TypeError', message: 'fetch failed' })

  it('signs in on one; the other answers calls, refreshes, and goes on alone', async () => {
    await assistant.signIn()
    proxy.to = second.port
    expect(await assistant.call('list_studies')).toContain('30006')
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    proxy.to = first.port
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    await killFirst()
    expect(await assistant.call('list_studies')).toContain('30006')
    expect(second.output()).toContain('mcp call')
    expect(secretsIn(`GET /oauth/callback?code=${[...upstream.secrets][0]}`)).toHaveLength(2)
  })

  describe('when one is killed in the middle of a sign-in', () => {
    it('the person comes back from the upstream to the other', async () => {
      upstream.hasPage = true
      const login = await assistant.browser.visit(await assistant.start())
      expect(login.html).toContain('Sign in to the exchange')
      await killFirst()
      upstream.hasPage = false
      const consent = await assistant.browser.submit(login, [])
      expect(consent.html).toContain('Northlake Clinic')
      await assistant.redeem((await assistant.browser.submit(consent, allowing(consent.html))).url)
      expect(await assistant.call('list_studies')).toContain('30006')
    })

    it('the consent page that it showed is answered to the other', async () => {
      const consent = await assistant.browser.visit(await assistant.start())
      await killFirst()
      await assistant.redeem((await assistant.browser.submit(consent, allowing(consent.html))).url)
      expect(await assistant.call('list_studies')).toContain('30006')
    })

    it('the code that it gave is redeemed at the other', async () => {
      const back = await assistant.approve(await assistant.start())
      await killFirst()
      await assistant.redeem(back)
      expect(await assistant.call('list_studies')).toContain('30006')
    })

    it.each(['unread', 'answered'] as const)(
      'the upstream’s code that it had in hand is lost (%s): the page says so, and the person starts again',
      async (what) => {
        const url = await assistant.start()
        expect(await killInTheMiddle(what, () => assistant.browser.visit(url))).toEqual(connectionLost)
        const callback = assistant.browser.history.at(-1) ?? ''
        expect(callback).toContain('/oauth/callback?')
        const reloaded = await assistant.browser.visit(callback)
        expect(reloaded.status).toBe(400)
        expect(reloaded.html).toContain('FHIR_MCP_UNAUTHENTICATED')
        expect(secretsIn(reloaded.html)).toEqual([])
        expect([await kept('Holding'), await kept('Grant')]).toEqual([0, 0])
        await assistant.redeem(await assistant.approve(url))
        expect(await assistant.call('list_studies')).toContain('30006')
      },
    )
  })

  describe('when one is killed in the middle of a refresh', () => {
    it('that the upstream has not seen, the client’s next try succeeds, and nobody else waits for it', async () => {
      const other = new Assistant(`${proxy.origin}/mcp`, { client_name: 'Another one' })
      await other.signIn()
      await assistant.signIn()
      const asked = () => post(tokenUrl, refreshForm(assistant))
      expect(await killInTheMiddle('unread', asked)).toEqual(connectionLost)
      const left = await looking.pTTL(lockOf(assistant))
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThanOrEqual(longest)

      expect(await assistant.call('list_studies')).toContain('30006')
      expect(await other.refresh()).toBe('AUTHORIZED')
      expect(await other.call('list_studies')).toContain('30006')
      expect(await looking.exists(lockOf(assistant))).toBe(1)

      expect(await assistant.refresh()).toBe('AUTHORIZED')
      expect(await looking.exists(lockOf(assistant))).toBe(0)
      expect(await assistant.call('list_studies')).toContain('30006')
    })

    it('that the upstream has answered, the sign-in is over for all, and a new one works', async () => {
      await assistant.signIn()
      const grant = assistant.claims.grant_id
      const asked = () => post(tokenUrl, refreshForm(assistant))
      expect(await killInTheMiddle('answered', asked)).toEqual(connectionLost)
      expect(await looking.pTTL(lockOf(assistant))).toBeLessThanOrEqual(longest)
      expect(await post(tokenUrl, refreshForm(assistant))).toEqual({
        status: 400,
        body: {
          error: 'invalid_grant',
          error_description: 'grant request is invalid',
        },
      })
      expect(await looking.exists([`fhir-mcp:Holding:${grant}`, `fhir-mcp:Grant:${grant}`])).toBe(0)
      expect(upstream.accessTokens.size).toBe(0)

      expect(await assistant.refresh()).toBe('REDIRECT')
      await assistant.signIn()
      expect(await assistant.call('list_studies')).toContain('30006')
    })

    it('that a call needed, the call is answered by the other', async () => {
      await assistant.signIn()
      await Promise.all([first.beLate(twoWeeks), second.beLate(twoWeeks)])
      const lost = await killInTheMiddle('unread', () => assistant.call('list_studies'))
      expect(lost).toEqual(connectionLost)
      expect(await assistant.call('list_studies')).toContain('30006')
      expect(upstream.refreshes.count).toBe(1)
    })
  })

  describe('when one is killed while it makes tokens for a code', () => {
    it.each(['unread', 'answered'] as const)(
      'the code is not good any more (%s), nothing of it is left, and a new sign-in works',
      async (what) => {
        const back = await assistant.approve(await assistant.start())
        // By now the permissions are a minute old, so they are computed anew.
        await Promise.all([first.beLate(61_000), second.beLate(61_000)])
        const form = {
          grant_type: 'authorization_code',
          code: back.searchParams.get('code') ?? '',
          redirect_uri: assistant.redirectUrl,
          client_id: assistant.information?.client_id ?? '',
          code_verifier: assistant.verifier,
        }
        expect(await killInTheMiddle(what, () => post(tokenUrl, form))).toEqual(connectionLost)
        const [lock = ''] = await looking.keys('fhir-mcp:Lock:*')
        expect(await looking.pTTL(lock)).toBeLessThanOrEqual(longest)
        expect(await post(tokenUrl, form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
        const left = [await kept('Holding'), await kept('Grant'), await kept('RefreshToken')]
        expect([...left, upstream.accessTokens.size]).toEqual([0, 0, 0, 0])
        expect(secretsIn(first.output() + second.output())).toEqual([])

        await assistant.signIn()
        expect(await assistant.call('list_studies')).toContain('30006')
      },
    )
  })
})

/** The consent form with everything allowed. */
function allowing(html: string): (readonly [string, string])[] {
  const scopes = [...html.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope = '']) => scope)
  return [...scopes.map((scope) => ['scope', scope] as const), ['decision', 'allow']]
}
