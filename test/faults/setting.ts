import type { OptionsInput } from '../../src/config/options.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { type Gateway, startGateway } from '../e2e/gateway.ts'
import { type Line, layLine } from './line.ts'

/** Audience of every token of these suites. */
export const audience = 'https://gateway.example.org/mcp'
/** Connections of these gateways to the exchange. */
export const connections = 4

/** What a suite wants otherwise. */
export interface Changes {
  readonly auth?: Partial<OptionsInput['auth']>
  /** How long the gateway waits for the exchange, in milliseconds; by default longer than any test. */
  readonly timeout?: number
  /** More of `fhir`. */
  readonly fhir?: Partial<OptionsInput['fhir']>
}

/** A HAPI server and an issuer, each at the end of a line, and gateways in front of them. */
export interface Setting {
  readonly exchange: TestExchange<AnyResource[]>
  readonly issuer: TestIssuer
  readonly toExchange: Line
  readonly toIssuer: Line
  /** A token that permits study A. */
  token(changes?: object): Promise<string>
  gateway(changes?: Changes): Promise<Gateway>
  close(): Promise<void>
}

/** Starts them; the exchange holds `cohort`, by default the synthetic one. */
export async function startSetting(
  cohort: readonly AnyResource[] = syntheticCohort(),
  more: { readonly largestPage?: number } = {},
): Promise<Setting> {
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort, ...more })
  const issuer = await startIssuer()
  const [toExchange, toIssuer] = [await layLine(exchange.origin), await layLine(issuer.url)]
  const gateways: Gateway[] = []
  return {
    exchange,
    issuer,
    toExchange,
    toIssuer,
    token: (changes = {}) =>
      issuer.token({ aud: audience, ...permissionsClaim({ studies: ['study-a'] }), ...changes }),
    async gateway({ auth = {}, timeout = 15_000, fhir = {} } = {}) {
      const { pathname } = new URL(issuer.jwksUri)
      const options: OptionsInput = {
        fhir: {
          baseUrl: `${toExchange.origin}/fhir`,
          dialect: 'hapi',
          credentials: 'none',
          timeout,
          connections,
          ...fhir,
        },
        auth: { issuer: issuer.url, jwksUri: toIssuer.origin + pathname, audience, ...auth },
        audit: { sink: 'off' },
        limits: { callsPerPrincipal: 0, messagesPerPrincipal: 0, requestsPerAddress: 0, callsAtOnce: 100 },
      }
      // A client that gave a call up may have opened a connection which it never used; nobody waits for that here.
      const started = await startGateway(options, (app) => {
        app.addHook('preClose', async () => app.server.closeAllConnections())
      })
      gateways.push(started)
      return started
    },
    async close() {
      for (const gateway of gateways) await gateway.close()
      for (const end of [toExchange, toIssuer, exchange, issuer]) await end.close()
    },
  }
}

/** Code of the catalog that an answer has; undefined where it is none of an error. */
export function codeOf({ isError, text }: Awaited<ReturnType<TestClient['call']>>): string | undefined {
  return isError ? text.split(':')[0]?.replace('FHIR_MCP_', '') : undefined
}

/** What a client is told that HTTP refused: the code in the error it throws. */
export async function refusedWith(asked: Promise<unknown>): Promise<string> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  const [, code = String(thrown)] = /FHIR_MCP_([A-Z_]+)/.exec(String(thrown)) ?? []
  return code
}
