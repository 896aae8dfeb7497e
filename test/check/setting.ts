import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { CheckResult } from '../../src/check/finding.ts'
import { check } from '../../src/cli/check.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { temporaryFolder } from '../login/machine.ts'

export const audience = 'https://mcp.example.org/mcp'

/** An issuer, an exchange, and the variables that say where they are; all end with the test. */
export interface Setting {
  readonly issuer: TestIssuer
  readonly exchange: TestExchange<unknown>
  readonly environment: Record<string, string>
}

export async function startSetting(fhirVersion: 'R4' | 'R5' = 'R4'): Promise<Setting> {
  const issuer = await startIssuer()
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion })
  onTestFinished(async () => {
    await issuer.close()
    await exchange.close()
  })
  return {
    issuer,
    exchange,
    environment: {
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_AUDIT_PATH: join(temporaryFolder(), 'audit.ndjson'),
    },
  }
}

/** The variables, with a token that permits study A and an organization; `claims` are added. */
export async function withToken(
  { issuer, environment }: Setting,
  claims: object = permissionsClaim({ studies: ['study-a'] }),
  options: Parameters<TestIssuer['token']>[1] = {},
): Promise<Record<string, string>> {
  const token = await issuer.token({ sub: 'ada', aud: audience, ...claims }, options)
  return { ...environment, FHIR_MCP_ACCESS_TOKEN: token }
}

/** What a run of the command says, by the name of each check. */
export interface Told {
  readonly passed: boolean
  readonly output: string
  readonly progress: string
  readonly by: Readonly<Record<string, CheckResult>>
}

/** Runs `check` in this process; nothing of a token is ever in its output. */
export async function checked(
  environment: Readonly<Record<string, string>>,
  now?: () => number,
): Promise<Told> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const passed = await check(
    true,
    { environment, stdout, stderr, stopped: new Promise(() => undefined) },
    now,
  )
  stdout.end()
  stderr.end()
  const output = await text(stdout)
  const results: readonly CheckResult[] = JSON.parse(output).checks
  return {
    passed,
    output,
    progress: await text(stderr),
    by: Object.fromEntries(results.map((result) => [result.check, result])),
  }
}
