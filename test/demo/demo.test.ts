import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { syntheticCast } from '../../src/demo/cast.ts'
import { runDemo } from '../../src/demo/demo.ts'
import { freePort, startGateway } from '../../src/demo/gateway.ts'
import { startDemoIssuer } from '../../src/demo/issuer.ts'
import { managerSteps, play } from '../../src/demo/session.ts'
import { signIn } from '../../src/demo/sign-in.ts'
import { startExchange } from '../../src/test-kit/index.ts'
import { Assistant } from '../broker/assistant.ts'
import { freePair } from './free-pair.ts'

const never = () => Promise.reject(new Error('the demo should have ended by itself'))
let shown = ''

beforeEach(() => {
  shown = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    shown += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

describe('the demo', () => {
  it('plays three people, every call as it should be, and says how to connect', async () => {
    expect(await runDemo([], never)).toBe(0)
    for (const name of ['Maya', 'Victor', 'Sam']) expect(shown).toContain(`${name}  `)
    expect(shown).toContain('1 request\n')
    expect(shown).toMatch(/✗ get_patient_demographics patient_id=pat-9 +0 requests\n +FHIR_MCP_FORBIDDEN: /)
    expect(shown).toContain('claude mcp add --transport http')
    expect(shown.split('\n').length).toBeLessThan(95)
    expect(shown).not.toMatch(/eyJ/)
  })

  it.each(['R4', 'R5'] as const)(
    'plays on somebody else’s HAPI %s server with what it finds there',
    async (fhirVersion) => {
      const exchange = await startExchange({ dialect: 'hapi', fhirVersion })
      expect(await runDemo(['--hapi', `${exchange.url}/`], never)).toBe(0)
      expect(shown).toContain(exchange.url)
      await exchange.close()
    },
  )

  it('stays up with --serve until it is stopped, lets clients sign in, and prints a token for each person', async () => {
    const { gateway: port } = await freePair()
    const stopped = vi.fn(async () => {
      const assistant = new Assistant(`http://127.0.0.1:${port}/mcp`)
      const page = await assistant.browser.visit(await assistant.start())
      const back = await assistant.browser.submit(page, [
        ['person', 'Victor'],
        ['decision', 'allow'],
      ])
      await assistant.redeem(back.url)
      expect(await assistant.call('list_studies')).toContain('Study B')
    })
    expect(await runDemo(['--serve', '--port', String(port)], stopped)).toBe(0)
    expect(stopped).toHaveBeenCalledOnce()
    expect(shown.match(/eyJ/g)?.length).toBeGreaterThanOrEqual(3)
    expect(shown).toContain(`claude mcp add --transport http fhir http://127.0.0.1:${port}/mcp\n`)
  })

  it('refuses a server without studies, and arguments that it does not know', async () => {
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort: [] })
    await expect(runDemo(['--hapi', exchange.url], never)).rejects.toThrow('no two studies')
    exchange.misbehave(() => ({ kind: 'status', status: 500 }))
    await expect(runDemo(['--hapi', exchange.url], never)).rejects.toThrow('500')
    await exchange.close()
    await expect(runDemo(['--nope'], never)).rejects.toThrow('--nope')
  })

  it('notices calls that do not come out as they should', async () => {
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const { manager, viewer, ...cast } = syntheticCast()
    const port = await freePort()
    const mcpUrl = `http://127.0.0.1:${port}/mcp`
    const issuer = await startDemoIssuer({
      port: await freePort(),
      resource: mcpUrl,
      people: [manager, viewer],
    })
    const gateway = await startGateway({ port, fhirUrl: exchange.url, issuer: issuer.url, audience: mcpUrl })
    const token = await signIn(issuer.url, mcpUrl, viewer.name)
    const steps = managerSteps({ manager, viewer, ...cast })
    expect(await play(mcpUrl, token, viewer, steps, () => exchange.count)).toBeGreaterThanOrEqual(5)
    expect(shown).toContain('NOT AS EXPECTED')
    await gateway.close()
    await issuer.close()
    await exchange.close()
  })
})

describe('the issuer of the demo', () => {
  it('gives access tokens for the one resource, with the claim of whoever signed in', async () => {
    const resource = 'http://127.0.0.1:9/mcp'
    const { viewer, stranger } = syntheticCast()
    const issuer = await startDemoIssuer({ port: await freePort(), resource, people: [viewer, stranger] })
    const token = await signIn(issuer.url, resource, viewer.name)
    const keys = createRemoteJWKSet(new URL(`${issuer.url}/jwks`))
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuer.url,
      audience: resource,
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({ sub: viewer.name, client_id: 'demo', ...viewer.claims })
    await expect(signIn(issuer.url, 'http://127.0.0.1:9/other', viewer.name)).rejects.toThrow()
    await issuer.close()
  })
})
