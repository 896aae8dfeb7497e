import { describe, expect, it, onTestFinished } from 'vitest'
import { createIssuerReady } from '../../src/identity/issuer-ready.ts'
import { startIssuer } from '../../src/test-kit/index.ts'

async function issuer() {
  const started = await startIssuer()
  onTestFinished(() => started.close())
  return started
}

describe('whether the issuer is ready', () => {
  it('is whether its keys can be read, found by discovery or configured', async () => {
    const { url, jwksUri } = await issuer()
    const now = () => 0
    await createIssuerReady({ issuer: url, sources: ['jwt'] }, now)()
    await createIssuerReady({ issuer: 'http://127.0.0.1:9', jwksUri, sources: ['jwt'] }, now)()
    const gone = createIssuerReady({ issuer: 'http://127.0.0.1:9', sources: ['jwt'] }, now)
    await expect(gone()).rejects.toMatchObject({ code: 'FHIR_MCP_ISSUER_UNAVAILABLE' })
    const wrong = createIssuerReady({ issuer: url, jwksUri: `${url}/no-keys`, sources: ['jwt'] }, now)
    await expect(wrong()).rejects.toMatchObject({ code: 'FHIR_MCP_ISSUER_UNAVAILABLE' })
  })

  it('is asked at most every ten seconds, whoever asks', async () => {
    const started = await issuer()
    let time = 0
    const { jwksUri } = started
    const ready = createIssuerReady({ issuer: started.url, jwksUri, sources: ['jwt'] }, () => time)
    await Promise.all([ready(), ready(), ready()])
    time = 9_999
    await ready()
    expect(started.count).toBe(1)
    time = 10_000
    await ready()
    expect(started.count).toBe(2)
  })

  it('is taken for granted where it cannot be asked without a token', async () => {
    const started = await issuer()
    await createIssuerReady({ issuer: started.url, sources: ['introspection', 'userinfo'] }, () => 0)()
    expect(started.count).toBe(0)
  })
})
