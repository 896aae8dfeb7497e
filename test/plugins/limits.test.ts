import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OptionsInput } from '../../src/config/options.ts'
import { fhirMcpError } from '../../src/errors.ts'
import { enough, gateway, listen, mcpHeaders, pluginOf, rpc } from './gateway.ts'
import { createServiceDouble, principalOf } from './service-double.ts'

type Limits = NonNullable<OptionsInput['limits']>

const code = 'FHIR_MCP_RATE_LIMITED'
const echo = { name: 'echo', arguments: { text: 'hi' } }

/** A gateway with limits, a clock of its own, and two people beside the usual one. */
async function limited(limits: Limits, more: NonNullable<Parameters<typeof gateway>[1]> = {}) {
  const clock = { now: 1_700_000_000_000 }
  const double = createServiceDouble()
  double.tokens.set('bob', principalOf('bob'))
  double.tokens.set('other-client', principalOf('ada', { client: 'another' }))
  const { app } = await gateway({ limits }, { ...more, double, parts: { now: () => clock.now } })
  return { app, clock, double }
}

interface Asking {
  readonly token?: string
  readonly payload?: unknown
  readonly address?: string
  readonly url?: string
}

function ask(
  app: FastifyInstance,
  { token = 'good', payload, address = '10.0.0.1', url = '/mcp' }: Asking = {},
) {
  return app.inject({
    method: 'POST',
    url,
    remoteAddress: address,
    headers: { ...mcpHeaders, authorization: `Bearer ${token}` },
    payload: JSON.stringify(payload ?? rpc('tools/call', echo)),
  })
}

async function connected(client: 'older' | 'modern' | 'sse', url: URL) {
  const requestInit = { headers: { authorization: 'Bearer good' } }
  const identity = { name: 'test', version: '1' }
  if (client === 'modern') {
    const modern = new ModernClient(identity, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await modern.connect(new ModernTransport(new URL('/mcp', url), { requestInit }))
    onTestFinished(() => modern.close())
    return modern
  }
  const older = new Client(identity)
  const transport =
    client === 'sse'
      ? new SSEClientTransport(new URL('/sse', url), { requestInit })
      : new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit })
  await older.connect(transport as Transport)
  onTestFinished(() => older.close())
  return older
}

describe('calls of one principal', () => {
  it.each(['older', 'modern', 'sse'] as const)(
    'over their limit are answered as results that say when to come back, and that is true: %s',
    async (kind) => {
      const { app, clock, double } = await limited({ callsPerPrincipal: 2 })
      const client = await connected(kind, await listen(app))
      for (const _ of [1, 2]) expect((await client.callTool(echo)).isError).toBeUndefined()
      clock.now += 17_500
      const refused = await client.callTool(echo)
      expect(refused.isError).toBe(true)
      expect(JSON.stringify(refused.content)).toContain('Try again in 43 s.')
      expect(JSON.stringify(refused.structuredContent)).toContain(code)
      expect(double.calls.length).toBe(2)
      expect(double.events).toEqual([`echo refused: ${code}`])
      clock.now += 42_499
      expect((await client.callTool(echo)).isError).toBe(true)
      clock.now += 501
      expect((await client.callTool(echo)).isError).toBeUndefined()
    },
  )

  it('are those of issuer and subject: other clients of that person count with them, and nobody else does', async () => {
    const { app, double } = await limited({ callsPerPrincipal: 1 })
    double.tokens.set('namesake', principalOf('ada', { issuer: 'https://other.example.org' }))
    const isError = async (token: string) => (await ask(app, { token })).json().result.isError === true
    expect([await isError('good'), await isError('good')]).toEqual([false, true])
    expect([await isError('bob'), await isError('namesake')]).toEqual([false, false])
    expect(await isError('other-client')).toBe(true)
  })

  it('count wherever they come from', async () => {
    const { app } = await limited({ callsPerPrincipal: 1 })
    await ask(app, { address: '10.0.0.1' })
    expect((await ask(app, { address: '10.0.0.2' })).json().result.isError).toBe(true)
  })

  it('count one by one in a batch', async () => {
    const { app, double } = await limited({ callsPerPrincipal: 3 })
    const payload = [1, 2, 3, 4, 5].map((id) => rpc('tools/call', echo, id))
    const answers: { id: number; result: { isError?: boolean } }[] = (await ask(app, { payload })).json()
    expect(answers.filter(({ result }) => result.isError).map(({ id }) => id)).toEqual([4, 5])
    expect(double.calls.length).toBe(3)
  })

  it('include resources and completions, whose answer is an error of JSON-RPC', async () => {
    const { app } = await limited({ callsPerPrincipal: 1 })
    const read = rpc('resources/read', { uri: 'fhir://capabilities' })
    expect((await ask(app, { payload: read })).json().result.contents.length).toBe(1)
    const answer = await ask(app, { payload: read })
    expect([answer.statusCode, answer.json().error]).toMatchObject([
      200,
      { code: -32_000, data: { code, retryAfter: 60 } },
    ])
    const ref = { type: 'ref/resource', uri: 'exchange://study/{id}' }
    const complete = rpc('completion/complete', { ref, argument: { name: 'id', value: '' } })
    expect((await ask(app, { payload: complete })).json().error.data.code).toBe(code)
    expect((await ask(app, { payload: rpc('tools/list') })).json().result.tools.length).toBeGreaterThan(0)
  })

  it('include denied ones, of unknown tools and without the scope', async () => {
    const { app, double } = await limited({ callsPerPrincipal: 3 })
    await ask(app, { payload: rpc('tools/call', { name: 'nobody-has-it' }) })
    await ask(app, { payload: rpc('tools/call', { name: 'hidden' }) })
    const lacking = { payload: rpc('tools/call', { name: 'needs_scope' }) }
    expect((await ask(app, lacking)).statusCode).toBe(403)
    const answer = await ask(app, lacking)
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '60'])
    expect(answer.json()).toMatchObject({ id: 1, error: { data: { code, retryAfter: 60 } } })
    expect((await ask(app)).json().result.isError).toBe(true)
    expect(double.events).toContain(`needs_scope refused: ${code}`)
  })

  it('have no limit where it is 0', async () => {
    const { app } = await limited({ callsPerPrincipal: 0 })
    const payload = Array.from({ length: 20 }, (_, id) => rpc('tools/call', echo, id))
    for (let n = 0; n < 20; n += 1) {
      const answers: { result: { isError?: boolean } }[] = (await ask(app, { payload })).json()
      expect(answers.some(({ result }) => result.isError)).toBe(false)
    }
  })
})

describe('calls of one principal at the same time', () => {
  it('wait in a short line, then are refused; another principal is served', async () => {
    const { app, double } = await limited({ callsAtOnce: 1, callsWaiting: 1 })
    const slow = ask(app, { payload: rpc('tools/call', { name: 'wait_for_abort' }) })
    await double.waiting
    const [second, third] = [ask(app), ask(app)]
    const first = await Promise.race([second, third])
    expect(first.json().result.content[0].text).toContain('Try again in 5 s.')
    expect((await ask(app, { token: 'bob' })).json().result.isError).toBeUndefined()
    double.release()
    const answers = await Promise.all([slow, second, third])
    expect(answers.filter((answer) => answer.json().result.isError).length).toBe(1)
    expect((await ask(app)).json().result.isError).toBeUndefined()
  })

  it('are those of one person, whatever their clients', async () => {
    const { app, double } = await limited({ callsAtOnce: 1, callsWaiting: 0 })
    double.tokens.set('namesake', principalOf('ada', { issuer: 'https://other.example.org' }))
    const slow = ask(app, { payload: rpc('tools/call', { name: 'wait_for_abort' }) })
    await double.waiting
    const isError = async (token: string) => (await ask(app, { token })).json().result.isError === true
    expect(await isError('other-client')).toBe(true)
    expect([await isError('bob'), await isError('namesake')]).toEqual([false, false])
    double.release()
    await slow
  })

  it('leave their turn when a client goes away', async () => {
    const { app, double } = await limited({ callsAtOnce: 1, callsWaiting: 0 })
    const url = await listen(app)
    const gone = new AbortController()
    const body = JSON.stringify(rpc('tools/call', { name: 'wait_for_abort' }))
    const slow = fetch(new URL('/mcp', url), {
      method: 'POST',
      headers: mcpHeaders,
      body,
      signal: gone.signal,
    })
    await double.waiting
    expect((await ask(app)).json().result.isError).toBe(true)
    gone.abort()
    await expect(slow).rejects.toThrow()
    await expect.poll(async () => (await ask(app)).json().result.isError).toBeUndefined()
  })
})

describe('requests of one address', () => {
  it('over their limit are answered by HTTP, before anything is known of their tokens', async () => {
    const { app, clock, double } = await limited({ requestsPerAddress: 2 })
    let identified = 0
    const { identify } = double.service
    Object.assign(double.service, {
      identify: (...given: Parameters<typeof identify>) => {
        identified += 1
        return identify(...given)
      },
    })
    for (const token of ['good', 'bad']) await ask(app, { token })
    clock.now += 30_000
    const answer = await ask(app)
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '30'])
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.json()).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { data: { code, retryAfter: 30 } },
    })
    expect(identified).toBeLessThanOrEqual(2)
    expect((await ask(app, { address: '10.0.0.2' })).statusCode).toBe(200)
    clock.now += 30_000
    expect((await ask(app)).statusCode).toBe(200)
  })

  it('count over all routes that take a token, and over no other', async () => {
    const { app } = await limited(
      { requestsPerAddress: 2 },
      { prepare: (app) => void app.get('/own', () => 'own') },
    )
    const get = (url: string) => app.inject({ url, remoteAddress: '10.0.0.1' })
    await ask(app)
    await ask(app, { url: '/messages?sessionId=none' })
    expect((await get('/sse')).statusCode).toBe(429)
    expect((await get('/mcp')).statusCode).toBe(429)
    for (const url of ['/health', '/ready', '/own', '/.well-known/oauth-protected-resource/mcp']) {
      expect([url, (await get(url)).statusCode]).toEqual([url, 200])
    }
    const preflight = { method: 'OPTIONS', url: '/mcp', remoteAddress: '10.0.0.1' } as const
    expect((await app.inject(preflight)).statusCode).toBe(204)
  })

  it('of IPv6 are those of a network, and of IPv4 the same in both forms', async () => {
    const { app } = await limited({ requestsPerAddress: 1 })
    const status = async (address: string) => (await ask(app, { address })).statusCode
    expect([await status('2001:db8:1:1::1'), await status('2001:db8:1:1:ffff::2')]).toEqual([200, 429])
    expect(await status('2001:db8:1:2::1')).toBe(200)
    expect([await status('10.9.9.9'), await status('::ffff:10.9.9.9')]).toEqual([200, 429])
  })

  it('go by the trustProxy of the gateway', async () => {
    const forwarded = async (app: FastifyInstance, client: string) => {
      const headers = { ...mcpHeaders, 'x-forwarded-for': client }
      return (await app.inject({ method: 'POST', url: '/mcp', headers, payload: rpc('ping') })).statusCode
    }
    const behind = await limited({ requestsPerAddress: 1 }, { server: { trustProxy: true } })
    expect([await forwarded(behind.app, '1.1.1.1'), await forwarded(behind.app, '2.2.2.2')]).toEqual([
      200, 200,
    ])
    const bare = await limited({ requestsPerAddress: 1 })
    expect([await forwarded(bare.app, '1.1.1.1'), await forwarded(bare.app, '2.2.2.2')]).toEqual([200, 429])
  })

  it('reach an official client as an error that holds the answer', async () => {
    for (const kind of ['older', 'modern'] as const) {
      const { app } = await limited({ requestsPerAddress: kind === 'older' ? 3 : 1 })
      const client = await connected(kind, await listen(app))
      await expect(client.callTool(echo)).rejects.toThrow(/Error POSTing to endpoint.*"retryAfter":60/)
    }
  })
})

describe('tokens that are not accepted', () => {
  it('are looked at up to a limit for each address; those that were verified before go on', async () => {
    const { app, clock } = await limited({ refusedTokensPerAddress: 3 })
    expect((await ask(app)).statusCode).toBe(200)
    for (const token of ['bad-1', 'bad-2', 'bad-3', 'asked-about']) {
      expect((await ask(app, { token })).statusCode).toBe(401)
    }
    const answer = await ask(app, { token: 'bad-4' })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '60'])
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect((await ask(app)).statusCode).toBe(200)
    expect((await ask(app, { token: 'bob' })).statusCode).toBe(429)
    expect((await ask(app, { token: 'bob', address: '10.0.0.2' })).statusCode).toBe(200)
    clock.now += 60_000
    expect((await ask(app, { token: 'bad-4' })).statusCode).toBe(401)
  })

  it('count once each, so that one client that repeats itself locks nobody out; expired ones do not count', async () => {
    const { app, double } = await limited({ refusedTokensPerAddress: 2 })
    double.tokens.set('expired', fhirMcpError('TOKEN_EXPIRED'))
    for (const token of ['bad', 'bad', 'bad', 'expired', 'expired']) await ask(app, { token })
    expect((await ask(app, { token: 'bob' })).statusCode).toBe(200)
    double.tokens.set('for-another', fhirMcpError('AUDIENCE'))
    await ask(app, { token: 'for-another' })
    await ask(app, { token: 'asked-about' })
    expect((await ask(app, { token: 'other-client' })).statusCode).toBe(429)
  })

  it('lock no new JWT out, which costs no question, and of opaque ones a few are asked about', async () => {
    const { app, clock, double } = await limited({ refusedTokensPerAddress: 20 })
    const jwt = (id: string) =>
      `${btoa('{"alg":"ES256"}')}.${btoa(JSON.stringify({ jti: id }))}.c2ln`.replaceAll('=', '')
    double.tokens.set(jwt('good'), principalOf('carla'))
    for (let n = 0; n < 25; n += 1) await ask(app, { token: n < 20 ? `bad-${n}` : jwt(`bad-${n}`) })
    expect((await ask(app, { token: jwt('good') })).statusCode).toBe(200)
    expect((await ask(app, { token: jwt('another') })).statusCode).toBe(401)
    // One in half of the window, since a tenth of 20 is two of them.
    const statusOf = async (token: string) => (await ask(app, { token })).statusCode
    expect(await statusOf('bad-30')).toBe(401)
    expect([await statusOf('bob'), await statusOf('bad-31')]).toEqual([429, 429])
    clock.now += 30_000
    expect([await statusOf('bob'), await statusOf('bad-31')]).toEqual([200, 429])
    expect(await statusOf('bob')).toBe(200)
  })

  it('have no limit where it is 0', async () => {
    const { app } = await limited({ refusedTokensPerAddress: 0 })
    for (let n = 0; n < 200; n += 1) expect((await ask(app, { token: `bad-${n}` })).statusCode).toBe(401)
  })
})

describe('figures by default', () => {
  it('let 150 people behind one address work', async () => {
    const { app, double } = await limited({})
    const people = Array.from({ length: 150 }, (_, n) => `person-${n}`)
    for (const token of people) double.tokens.set(token, principalOf(token))
    for (const _ of [1, 2, 3]) {
      const answers = await Promise.all(people.map((token) => ask(app, { token })))
      expect(answers.every((answer) => answer.json().result.isError === undefined)).toBe(true)
    }
  })

  it('stop one who makes more than 300 calls in a minute, and one address of more than 100 bad tokens', async () => {
    const { app } = await limited({})
    const payload = Array.from({ length: 20 }, (_, id) => rpc('tools/call', echo, id))
    const answers: { result: { isError?: boolean } }[][] = []
    for (let n = 0; n < 16; n += 1) answers.push((await ask(app, { payload })).json())
    expect(answers.flat().filter(({ result }) => result.isError).length).toBe(20)
    const statuses: number[] = []
    for (let n = 0; n < 102; n += 1) {
      statuses.push((await ask(app, { token: `bad-${n}`, address: '10.0.0.3' })).statusCode)
    }
    // The first one beyond is one of the few that are asked about.
    expect([statuses.indexOf(429), statuses.length]).toEqual([101, 102])
  })
})

describe('a batch', () => {
  it('of more than 100 messages is refused whole', async () => {
    const { app, double } = await limited({ callsPerPrincipal: 0 })
    const messages = (n: number) => Array.from({ length: n }, (_, id) => rpc('ping', {}, id))
    expect((await ask(app, { payload: messages(100) })).statusCode).toBe(200)
    const answer = await ask(app, { payload: messages(101) })
    expect([answer.statusCode, answer.json().error.message]).toEqual([413, 'A batch may hold 100 messages'])
    expect(double.calls).toEqual([])
  })
})

describe('a gateway with limits of its own', () => {
  it('keeps them, and ours stay apart from them', async () => {
    const { app } = await limited(
      { requestsPerAddress: 2, callsPerPrincipal: 1 },
      {
        async prepare(app) {
          await app.register(rateLimit, { max: 4, keyGenerator: (request) => `own ${request.ip}` })
          await app.register(underPressure, { maxEventLoopDelay: 60_000 })
          app.get('/own', () => 'own')
        },
      },
    )
    const own = async () => (await app.inject({ url: '/own', remoteAddress: '10.0.0.1' })).statusCode
    expect([await own(), await own(), await own()]).toEqual([200, 200, 200])
    expect((await ask(app)).json().result.isError).toBeUndefined()
    const theirs = await ask(app)
    expect([theirs.statusCode, theirs.json().error.data]).toMatchObject([429, { code, retryAfter: 60 }])
    expect(await own()).toBe(429)
    expect((await ask(app, { address: '10.0.0.2' })).json().result.isError).toBe(true)
  })

  it('may register them after us too', async () => {
    const { app } = await limited({ requestsPerAddress: 1 })
    await app.register(rateLimit, { max: 1 })
    await app.register(underPressure, { maxEventLoopDelay: 60_000 })
    app.get('/own', () => 'own')
    expect((await ask(app)).statusCode).toBe(200)
    expect((await app.inject('/own')).statusCode).toBe(200)
    expect((await app.inject('/own')).statusCode).toBe(429)
    expect(app.isUnderPressure()).toBe(false)
  })
})

describe('two registrations', () => {
  it('count each for itself', async () => {
    const { app } = await limited({ callsPerPrincipal: 1, requestsPerAddress: 2 })
    const second = createServiceDouble()
    const limits = { callsPerPrincipal: 2 }
    await app.register(pluginOf(second), { ...enough, limits, path: '/r5', decoratorName: 'otherExchange' })
    await ask(app)
    expect((await ask(app)).json().result.isError).toBe(true)
    expect((await ask(app)).statusCode).toBe(429)
    for (const expected of [undefined, undefined, true]) {
      expect((await ask(app, { url: '/r5' })).json().result.isError).toBe(expected)
    }
  })
})
