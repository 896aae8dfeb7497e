import { describe, expect, it, onTestFinished } from 'vitest'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { startGateway } from '../e2e/gateway.ts'
import { blocksOf } from './markdown.ts'

const audience = 'https://gateway.example.org/mcp'

/** How long to wait is new each time. */
const steady = (value: unknown) =>
  JSON.parse(JSON.stringify(value).replace(/again in \d+ s/g, 'again in 43 s'))

describe('the page on limits', () => {
  it('shows what a call over the limit of its principal is really answered', async () => {
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const issuer = await startIssuer()
    const gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      auth: { issuer: issuer.url, audience },
      audit: { sink: 'off' },
    })
    onTestFinished(async () => {
      await gateway.close()
      await issuer.close()
      await exchange.close()
    })
    const token = await issuer.token({ aud: audience, ...permissionsClaim() })
    const client = await gateway.connect('http', token)
    let called = await client.call('get_study_count')
    for (let calls = 1; calls <= 300; calls += 1) called = await client.call('get_study_count')
    const { content, structured, isError } = called
    const shown = blocksOf('docs/limits.md').find(({ language }) => language === 'json')?.text ?? ''
    expect(steady({ content, structuredContent: structured, isError })).toEqual(JSON.parse(shown))
  })
})
