import { describe, expect, it } from 'vitest'
import { accessSchema } from '../../src/config/access.ts'
import { fhirSchema } from '../../src/config/fhir.ts'
import { createExchangeOpener } from '../../src/exchange/opener.ts'
import { startExchange } from '../../src/test-kit/index.ts'
import { thrownBy } from './loopback.ts'

describe('whether the exchange is ready', () => {
  it('is asked anew every 10 seconds, whatever dialect is configured', async () => {
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    let time = 0
    const opener = createExchangeOpener({
      fhir: fhirSchema.parse({ baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' }),
      access: accessSchema.parse({}),
      now: () => time,
    })
    const { signal } = new AbortController()
    await opener.ready(signal)
    await opener.ready(signal)
    expect(exchange.count).toBe(1)
    exchange.misbehave(() => ({ kind: 'status', status: 503, retryAfter: '60' }))
    time = 10_000
    expect(await thrownBy(opener.ready(signal))).toMatchObject({ code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE' })
    exchange.misbehave(undefined)
    await opener.ready(signal)
    await opener.close()
    await exchange.close()
  })
})
