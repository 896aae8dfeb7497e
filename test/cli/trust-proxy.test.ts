import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serve } from '../../src/cli/serve.ts'
import { portOf } from '../plugins/gateway.ts'

async function serving(proxies: Record<string, string>): Promise<string> {
  const environment = {
    FHIR_MCP_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir',
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_AUTH_ISSUER: 'http://127.0.0.1:9',
    FHIR_MCP_AUTH_AUDIENCE: 'http://127.0.0.1/mcp',
    FHIR_MCP_LIMITS_REQUESTS_PER_ADDRESS: '1',
    FHIR_MCP_AUDIT_SINK: 'off',
    ...proxies,
  }
  const app = await serve(environment, { host: '127.0.0.1', port: '0' }, new PassThrough().resume())
  onTestFinished(() => app.close())
  return `http://127.0.0.1:${portOf(app)}/mcp`
}

/** Statuses of a request of each of two clients behind a proxy at 127.0.0.1. */
async function statuses(url: string): Promise<number[]> {
  const asked: number[] = []
  for (const client of ['192.0.2.1', '192.0.2.2']) {
    const headers = { 'x-forwarded-for': client }
    asked.push((await fetch(url, { method: 'POST', headers })).status)
  }
  return asked
}

describe('serve behind a proxy', () => {
  it.each(['1', '127.0.0.1', '10.0.0.0/8, 127.0.0.0/8'])(
    'tells clients apart where it trusts it: %s',
    async (text) => {
      expect(await statuses(await serving({ FHIR_MCP_TRUST_PROXY: text }))).toEqual([401, 401])
    },
  )

  it.each([{}, { FHIR_MCP_TRUST_PROXY: '10.0.0.0/8' }])('believes nobody else: %j', async (proxies) => {
    expect(await statuses(await serving(proxies))).toEqual([401, 429])
  })

  it.each(['true', 'proxy.example.org', '10.0.0.0/x', '10.0.0.0/33'])(
    'does not start with %s',
    async (text) => {
      await expect(serving({ FHIR_MCP_TRUST_PROXY: text })).rejects.toThrow('FHIR_MCP_TRUST_PROXY must be')
    },
  )
})
