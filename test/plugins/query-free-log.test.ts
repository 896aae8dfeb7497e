import Fastify from 'fastify'
import fp from 'fastify-plugin'
import { describe, expect, it, onTestFinished } from 'vitest'
import { publicDocuments } from '../../src/broker/guarded-fetch.ts'
import { createBroker } from '../../src/broker/plugin.ts'
import { brokerOptions } from '../broker/setting.ts'
import { gateway, listen, mcpHeaders, rpc } from './gateway.ts'

const secret = 'a-code-that-nobody-may-read'
const query = `?code=${secret}&state=${secret}&sessionId=${secret}`
const authorization = { authorization: mcpHeaders.authorization }

/** A gateway whose log has everything that Fastify and pino write of themselves. */
async function logged(logger: object = {}) {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const { app } = await gateway(
    { sse: true, health: true },
    {
      server: { logger: { level: 'trace', stream, ...logger } },
      prepare: (own) => void own.get('/own', async () => 'of the gateway'),
    },
  )
  return { app, origin: await listen(app), text: () => lines.join('') }
}

async function askAll(origin: URL): Promise<void> {
  const at = (path: string) => new URL(`${path}${query}`, origin)
  const stream = new AbortController()
  await fetch(at('/sse'), { headers: authorization, signal: stream.signal })
  stream.abort()
  const message = { method: 'POST', headers: mcpHeaders, body: JSON.stringify(rpc('ping', {})) }
  const asked: [string, RequestInit?][] = [
    ['/sse'],
    ['/sse/'],
    ['/messages', message],
    ['/messages', { method: 'OPTIONS' }],
    ['/mcp', message],
    ['/mcp', { ...message, headers: { ...mcpHeaders, authorization: 'Bearer bad' } }],
    ['/mcp', { ...message, body: '{' }],
    ['/mcp'],
    ['/health'],
    ['/ready'],
    ['/health', { method: 'HEAD' }],
    ['/.well-known/oauth-protected-resource'],
    ['/.well-known/oauth-protected-resource/mcp'],
    ['/.well-known/oauth-protected-resource/nothing'],
    ['/.well-known/oauth-protected-resource/mcp', { method: 'OPTIONS' }],
  ]
  for (const [path, init] of asked) await (await fetch(at(path), init)).text()
}

describe('the log of a gateway', () => {
  it('has no query of ours, and keeps those of the gateway’s own routes (control)', async () => {
    const { app, origin, text } = await logged()
    await askAll(origin)
    await app.close()
    expect(text()).not.toContain(secret)
    for (const path of [
      '/sse',
      '/messages',
      '/mcp',
      '/health',
      '/.well-known/oauth-protected-resource/mcp',
    ]) {
      expect(text()).toContain(`"url":"${path}"`)
    }
    const control = await logged()
    await (await fetch(new URL(`/own${query}`, control.origin))).text()
    expect(control.text()).toContain(secret)
  })

  it('has none where the gateway shows requests in its own way either', async () => {
    const req = (request: {
      url: string
      originalUrl: string
      query: unknown
      id: string
      raw: { url: string; method: string }
    }) => ({
      own: 'way',
      id: request.id,
      urls: [request.url, request.originalUrl, request.raw.url],
      method: request.raw.method,
      query: request.query,
    })
    const { app, origin, text } = await logged({ serializers: { req } })
    await askAll(origin)
    await (await fetch(new URL('/own?plain=1', origin))).text()
    await app.close()
    expect(text()).not.toContain(secret)
    expect(text()).toContain('"own":"way"')
    expect(text()).toContain('"urls":["/mcp","/mcp","/mcp"],"method":"POST","query":{}')
    expect(text()).toContain('"urls":["/own?plain=1"')
  })

  it('has none of the broker’s', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const app = Fastify({ logger: { level: 'trace', stream } })
    onTestFinished(() => app.close())
    // Routes of the broker are logged from `warn` on: a gateway that does so at each request.
    app.addHook('onRequest', async (request) => request.log.warn({ req: request }, 'asked'))
    const broker = createBroker({ now: () => Date.now(), documents: publicDocuments })
    const options = await brokerOptions('https://gateway.example.org', 'https://login.example.org')
    await app.register(fp(broker, { name: 'broker' }), options)
    app.get('/own', async () => 'of the gateway')
    for (const path of ['authorize', 'callback', 'interaction/x']) await app.inject(`/oauth/${path}${query}`)
    expect(lines.join('')).not.toContain(secret)
    expect(lines.join('')).toContain('"url":"/oauth/authorize"')
    await app.inject(`/own${query}`)
    expect(lines.join('')).toContain(secret)
  })
})
