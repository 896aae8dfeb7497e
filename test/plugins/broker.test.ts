import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BrokerBeside, brokerDecorator, heldTokenOf, type NamesFor } from '../../plugins/broker.ts'
import { fhirMcp } from '../../plugins/index.ts'
import type { HeldToken } from '../../src/config/fhir.ts'
import type { OptionsInput } from '../../src/config/options.ts'
import { callerOf } from '../access/callers.ts'

const config = { code: 'FHIR_MCP_CONFIG' }

function gatewayOptions(fhir: Partial<OptionsInput['fhir']>): OptionsInput {
  return {
    fhir: {
      baseUrl: 'https://fhir.example.org/fhir',
      audience: 'https://fhir.example.org',
      credentials: 'held',
      ...fhir,
    },
    auth: { issuer: 'https://login.example.org', audience: 'https://gateway.example.org/mcp' },
  }
}

const named: NamesFor[] = []

/** A broker as far as the plugin knows it. */
const broker = fp(async (fastify: FastifyInstance) => {
  const beside: BrokerBeside & { readonly prefix: string } = {
    issuer: 'https://login.example.org',
    resource: 'https://gateway.example.org/mcp',
    nameBy: (namesFor) => void named.push(namesFor),
    prefix: 'held-for-',
    async heldToken({ subject }: Parameters<HeldToken>[0]) {
      return `${this.prefix}${subject}`
    },
  }
  fastify.decorate(brokerDecorator, beside)
})

function application(): FastifyInstance {
  const app = Fastify()
  onTestFinished(() => app.close())
  return app
}

describe('a gateway with a broker', () => {
  it('has its tokens for the exchange from it', async () => {
    const app = application()
    await app.register(broker)
    await app.register(fhirMcp, gatewayOptions({}))
    await app.ready()
    const base = { ...callerOf({}), issuer: 'i', client: undefined, expiresAt: 1, claimsAt: 0 }
    const principal = { ...base, subject: 'ada', source: 'jwt' } as const
    expect(await heldTokenOf(app)?.(principal, new AbortController().signal)).toBe('held-for-ada')
  })

  it('never forwards its tokens, in whatever order it is put together', async () => {
    for (const order of ['before', 'after']) {
      const app = application()
      if (order === 'before') await app.register(broker)
      await app.register(fhirMcp, gatewayOptions({ credentials: 'forward' }))
      if (order === 'after') await app.register(broker)
      await expect(app.ready()).rejects.toMatchObject(config)
    }
  })

  it.each(['none', 'forward'] as const)('is not needed for %s (control)', async (credentials) => {
    const app = application()
    if (credentials === 'none') await app.register(broker)
    await app.register(fhirMcp, gatewayOptions({ credentials }))
    await app.ready()
  })
})

describe('the broker', () => {
  async function namedBy(auth: OptionsInput['auth'], publicUrl?: string): Promise<number> {
    named.length = 0
    const app = application()
    const fhir = { credentials: 'none' as const }
    await app.register(fhirMcp, {
      ...gatewayOptions(fhir),
      auth,
      ...(publicUrl === undefined ? {} : { publicUrl }),
    })
    await app.register(broker)
    await app.ready()
    return named.length
  }
  const issuer = 'https://login.example.org'
  const audience = 'https://gateway.example.org/mcp'

  it('has names from the plugin that its tokens are for', async () => {
    expect(await namedBy({ issuer, audience })).toBe(1)
    expect(await namedBy({ issuer, audience: ['x', audience] })).toBe(1)
    expect(await namedBy({ issuer }, 'https://gateway.example.org')).toBe(1)
  })

  it('has none from a plugin that takes tokens of another issuer or for another resource', async () => {
    expect(await namedBy({ issuer: 'https://elsewhere.example', audience })).toBe(0)
    expect(await namedBy({ issuer, audience: 'https://elsewhere.example/mcp' })).toBe(0)
  })
})

describe('a gateway without a broker', () => {
  it('fails at register where tokens would have to be held', async () => {
    await expect(application().register(fhirMcp, gatewayOptions({}))).rejects.toMatchObject(config)
  })

  it('may hold tokens itself', async () => {
    const app = application()
    await app.register(fhirMcp, gatewayOptions({ heldToken: async () => 'x' }))
    await app.ready()
  })

  it('fails at register where tokens would be forwarded without an audience', async () => {
    const options = gatewayOptions({ credentials: 'forward' })
    const { audience: _, ...fhir } = options.fhir
    await expect(application().register(fhirMcp, { ...options, fhir })).rejects.toMatchObject({
      ...config,
      message: expect.stringContaining('fhir.audience'),
    })
  })
})
