import { onTestFinished } from 'vitest'
import { publicDocuments } from '../../src/broker/guarded-fetch.ts'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { freePort } from '../../src/demo/gateway.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/exchange.ts'
import { brokerOptions, startGateway } from './setting.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'

/** A person of the cohort: two of its three studies, and an organization without a name. */
export const person = {
  id: 'ada',
  claim: { studies: ['study-a', { id: 'study-b', organization: 'org-2' }], organizations: ['org-2'] },
}

/** A gateway with broker and plugin before a HAPI server. */
export interface HapiSetting {
  readonly issuer: string
  readonly mcpUrl: string
  readonly upstream: TestUpstream
  readonly exchange: TestExchange<AnyResource[]>
  /** Lines of the gateway's log. */
  readonly log: readonly string[]
}

type Parts = Parameters<typeof startGateway>[2]

/** Starts one; it ends with the test. Without more, the exchange is asked without a credential. */
export async function startHapiSetting(
  given: Pick<Parts, 'fhir' | 'auth' | 'audit' | 'patience'> & {
    readonly fhirVersion?: 'R4' | 'R5'
    readonly authorize?: (authorization: string | undefined) => boolean
    readonly broker?: Partial<BrokerOptions>
  } = {},
): Promise<HapiSetting> {
  const { fhirVersion = 'R4', authorize, broker, fhir, ...parts } = given
  const origin = `http://127.0.0.1:${await freePort()}`
  const issuer = `${origin}/oauth`
  const upstream = await startUpstream(`${issuer}/callback`)
  upstream.claims.set(person.id, person.claim)
  upstream.person = person.id
  const exchange = await startExchange({
    dialect: 'hapi',
    fhirVersion,
    ...(authorize === undefined ? {} : { authorize }),
  })
  const log: string[] = []
  const app = await startGateway(
    { ...(await brokerOptions(origin, upstream.issuer)), ...broker },
    exchange.url,
    {
      now: () => Date.now(),
      documents: publicDocuments,
      log,
      fhir: { dialect: 'hapi', credentials: 'none', ...fhir },
      ...parts,
    },
  )
  onTestFinished(async () => {
    await app.close()
    await upstream.close()
    await exchange.close()
  })
  return { issuer, mcpUrl: `${origin}/mcp`, upstream, exchange, log }
}
