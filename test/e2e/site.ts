import { afterAll, beforeAll } from 'vitest'
import { startExchange, startIssuer, type TestExchange, type TestIssuer } from '../../src/test-kit/index.ts'

/** What a gateway stands between: an issuer, and an exchange with the cohort. */
export interface Site {
  readonly issuer: TestIssuer
  readonly exchange: TestExchange<unknown>
}

/** Starts a HAPI style exchange, R4, and an issuer for the tests of this file, and ends both behind the last one. */
export function siteForAll(): Site {
  let issuer: TestIssuer | undefined
  let exchange: TestExchange<unknown> | undefined
  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  })
  afterAll(async () => {
    await issuer?.close()
    await exchange?.close()
  })
  const started = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('The site starts with the first test.')
    return part
  }
  return {
    get issuer() {
      return started(issuer)
    },
    get exchange() {
      return started(exchange)
    },
  }
}
