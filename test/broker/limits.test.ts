import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { broker } from '../../src/broker/index.ts'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { brokerOptions } from './setting.ts'

async function started(limits: BrokerOptions['limits']): Promise<FastifyInstance> {
  const app = Fastify()
  onTestFinished(() => app.close())
  const options = await brokerOptions('https://gateway.example', 'https://idp.example')
  await app.register(broker, { ...options, limits })
  app.get('/own', () => 'own')
  return app
}

const remoteAddress = '10.0.0.1'
const client = { redirect_uris: ['https://client.example/cb'], token_endpoint_auth_method: 'none' }
const register = (app: FastifyInstance, url = '/oauth/register', address = remoteAddress) =>
  app.inject({ method: 'POST', url, remoteAddress: address, payload: client })

describe('requests to the broker from one address', () => {
  it('over their limit are answered in the words of OAuth, with a time to come back', async () => {
    const app = await started({ requestsPerAddress: 2 })
    const token = () =>
      app.inject({
        method: 'POST',
        url: '/oauth/token',
        remoteAddress,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'grant_type=refresh_token',
      })
    for (const _ of [1, 2]) expect((await token()).statusCode).toBe(400)
    const answer = await token()
    expect(answer.statusCode).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50)
    expect(answer.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.stringContaining('Too many requests.'),
    })
  })

  it('of browsers are answered with a page', async () => {
    const app = await started({ requestsPerAddress: 1 })
    for (const url of ['/oauth/authorize', '/oauth/interaction/none', '/oauth/callback']) {
      await app.inject({ url, remoteAddress })
      const page = await app.inject({ url, remoteAddress })
      expect([page.statusCode, page.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8'])
      expect(page.body).toContain('FHIR_MCP_RATE_LIMITED')
      expect(Number(page.headers['retry-after'])).toBeGreaterThan(50)
    }
  })

  it('leave other addresses, discovery and the routes of the gateway alone', async () => {
    const app = await started({ requestsPerAddress: 1, registrationsPerAddress: 1 })
    await register(app)
    expect((await register(app)).statusCode).toBe(429)
    expect((await register(app, '/oauth/register', '10.0.0.2')).statusCode).toBe(201)
    for (const url of ['/own', '/.well-known/oauth-authorization-server/oauth']) {
      for (const _ of [1, 2, 3]) expect((await app.inject({ url, remoteAddress })).statusCode).toBe(200)
    }
  })

  it('have no limit where it is 0', async () => {
    const app = await started({ requestsPerAddress: 0, registrationsPerAddress: 0 })
    for (let n = 0; n < 40; n += 1) expect((await register(app)).statusCode).toBe(201)
  })
})

describe('registrations of clients from one address', () => {
  it.each(['/oauth/register', '/oauth/REGISTER', '/oauth/register/', '/oauth/register?x=1'])(
    'are fewer than other requests, however they are written: %s',
    async (url) => {
      const app = await started({ registrationsPerAddress: 2 })
      const statuses: number[] = []
      for (const _ of [1, 2, 3]) statuses.push((await register(app, url)).statusCode)
      expect(statuses.at(-1)).toBe(429)
      expect(statuses.slice(0, 2)).not.toContain(429)
      const authorize = await app.inject({ url: '/oauth/authorize', remoteAddress })
      expect(authorize.statusCode).not.toBe(429)
    },
  )

  it('are 30 in a minute by default', async () => {
    const app = await started(undefined)
    const statuses: number[] = []
    for (let n = 0; n < 31; n += 1) statuses.push((await register(app)).statusCode)
    expect(statuses.indexOf(429)).toBe(30)
  })
})
