import { describe, expect, it, onTestFinished } from 'vitest'
import { publicDocuments } from '../../src/broker/guarded-fetch.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { Assistant } from './assistant.ts'
import { brokerOptions, manager, startGateway } from './setting.ts'
import { startUpstream, upstreamClient } from './upstream.ts'

describe('an upstream that does not know us any more', () => {
  it.each([
    ['a secret that was changed there', 'another-secret', ''],
    ['the control: the secret that it has', upstreamClient.clientSecret, undefined],
  ])('%s', async (_, clientSecret, refused) => {
    const origin = `http://127.0.0.1:${await freePort()}`
    const upstream = await startUpstream(`${origin}/oauth/callback`)
    upstream.claims.set(manager.id, manager.claim)
    upstream.person = manager.id
    const log: string[] = []
    const options = await brokerOptions(origin, upstream.issuer)
    const app = await startGateway(
      { ...options, upstream: { ...options.upstream, clientSecret } },
      'http://127.0.0.1:9/FHIR/R5',
      { now: () => Date.now(), documents: publicDocuments, log, patience: 1 },
    )
    onTestFinished(async () => {
      await app.close()
      await upstream.close()
    })
    const assistant = new Assistant(`${origin}/mcp`)
    const back = await assistant.approve(await assistant.start())
    const lines = log.map((line) => JSON.parse(line))
    const told = lines.filter(({ msg }) => msg === 'a token endpoint refused')
    if (refused === undefined) {
      expect([back.searchParams.has('code'), told]).toEqual([true, []])
      return
    }
    expect(back.searchParams.get('error')).toBe('server_error')
    expect(back.searchParams.get('error_description')).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    expect(told).toEqual([
      expect.objectContaining({
        endpoint: `${upstream.issuer}/token`,
        status: 401,
        error: 'invalid_client',
      }),
    ])
    for (const secret of [clientSecret, ...upstream.secrets]) expect(log.join('')).not.toContain(secret)
  })
})
