import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { onTestFinished } from 'vitest'
import { syntheticCast } from '../../src/demo/cast.ts'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { startIssuer } from '../../src/test-kit/issuer.ts'
import { temporaryFolder } from '../login/machine.ts'
import { finishedExample, startExample } from './example.ts'

/** The variables that `try/stand-in.js` writes, while it runs. */
export async function startStandIn(): Promise<Record<string, string>> {
  const file = join(temporaryFolder(), 'stand-in.env')
  const standIn = startExample([process.execPath, 'try/stand-in.js', file])
  await standIn.shown(/has what a gateway/)
  const variables = Object.entries(parseEnv(readFileSync(file, 'utf8')))
  return Object.fromEntries(variables.map(([name, value]) => [name, String(value)]))
}

/** The same variables, of an exchange and an issuer in this process. */
export async function standInHere(): Promise<Record<string, string>> {
  const [exchange, issuer] = await Promise.all([
    startExchange({ dialect: 'hapi', fhirVersion: 'R4' }),
    startIssuer(),
  ])
  onTestFinished(async () => {
    await exchange.close()
    await issuer.close()
  })
  const audience = 'http://127.0.0.1:8765/mcp'
  const { claims } = syntheticCast().manager
  return {
    FHIR_MCP_FHIR_BASE_URL: exchange.url,
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
    FHIR_MCP_ACCESS_TOKEN: await issuer.token({ sub: 'maya', aud: audience, ...claims }),
  }
}

/** What `try/ask.js`, a program with the official client, says of a call at a gateway. */
export function ask(
  origin: string,
  variables: Readonly<Record<string, string>>,
  tool: string,
  given: object = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const env = { ...variables, MCP_URL: `${origin}/mcp` }
  return finishedExample([process.execPath, 'try/ask.js', tool, JSON.stringify(given)], env)
}
