import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { onTestFinished } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/exchange.ts'
import { type JupyterHealthCohort, jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { manager } from '../broker/setting.ts'
import { startUpstream, type TestUpstream, upstreamClient } from '../broker/upstream.ts'
import { finished, temporaryFolder } from '../login/machine.ts'

/** A JupyterHealth Exchange, its issuer, and what `serve` has to be given to stand before them. */
export interface Standalone {
  readonly origin: string
  readonly mcpUrl: string
  readonly upstream: TestUpstream
  readonly exchange: TestExchange<JupyterHealthCohort>
  readonly environment: Readonly<Record<string, string>>
}

/** The lines of a file of variables, as `node --env-file` reads them. */
export function environmentIn(path: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parseEnv(readFileSync(path, 'utf8'))).map(([name, value]) => [name, String(value)]),
  )
}

/** Starts an exchange and its issuer; they close with the test. The broker's secrets are made by the command that makes them. */
export async function startStandalone(): Promise<Standalone> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const upstream = await startUpstream(`${origin}/oauth/callback`)
  upstream.claims.set(manager.id, manager.claim)
  upstream.person = manager.id
  const cohort = jupyterHealthCohort()
  const exchange = await startExchange({
    dialect: 'jupyterhealth',
    cohort,
    authorize: (token) => {
      const id = upstream.accessTokens.get(token)
      return cohort.users.find((user) => String(user.id) === id)?.name
    },
  })
  onTestFinished(async () => {
    await upstream.close()
    await exchange.close()
  })
  const file = join(temporaryFolder(), 'broker.env')
  await finished(['broker-secrets', '--out', file], {})
  return {
    origin,
    mcpUrl: `${origin}/mcp`,
    upstream,
    exchange,
    environment: {
      ...environmentIn(file),
      FHIR_MCP_PORT: String(port),
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'held',
      FHIR_MCP_BROKER_UPSTREAM_ISSUER: upstream.issuer,
      FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: upstreamClient.clientId,
      FHIR_MCP_BROKER_UPSTREAM_CLIENT_SECRET: upstreamClient.clientSecret,
      FHIR_MCP_BROKER_CLAIMS_SOURCES: 'userinfo',
    },
  }
}

/** What must not be seen of a sign-in: all that the configuration keeps secret, and every token that was given to anybody. */
export function secretsOf(
  { environment, upstream }: Standalone,
  tokens: { readonly access_token: string; readonly refresh_token?: string | undefined },
): string[] {
  const key = JSON.parse(environment.FHIR_MCP_BROKER_KEYS ?? '{}')
  return [
    ...[key.d, environment.FHIR_MCP_BROKER_COOKIE_SECRETS, environment.FHIR_MCP_BROKER_ENCRYPTION_KEY],
    ...[upstreamClient.clientSecret, tokens.access_token, tokens.refresh_token, 'code=', 'state='],
    ...upstream.secrets,
  ].filter((secret): secret is string => typeof secret === 'string' && secret !== '')
}
