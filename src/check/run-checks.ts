import { isFhirMcpError } from '../errors.ts'
import { assertQuietClient } from '../exchange/quiet-client.ts'
import { checkAudience } from './audience.ts'
import { checkAudit } from './audit.ts'
import { checkClaims } from './claims.ts'
import { checkClock } from './clock.ts'
import { checkCredential } from './credential.ts'
import { checkDialect } from './dialect.ts'
import { checkExchange } from './exchange.ts'
import { checkFhirVersion } from './fhir-version.ts'
import { checkFilters } from './filters.ts'
import { type CheckResult, type Finding, fail, failureOf, ok, skipped } from './finding.ts'
import { checkIssuer } from './issuer.ts'
import { checkKeys } from './keys.ts'
import { type CheckSurroundings, openProbes, type Probes } from './probes.ts'
import { checkRedis } from './redis.ts'
import { checkRosters } from './rosters.ts'
import type { CheckSetting } from './setting.ts'
import { checkToken } from './token.ts'

/** The checks of a usable configuration, in the order in which they are told. */
const checks: readonly (readonly [string, (probes: Probes) => Promise<Finding>])[] = [
  ['exchange', checkExchange],
  ['dialect', checkDialect],
  ['fhir version', checkFhirVersion],
  ['issuer', checkIssuer],
  ['keys', checkKeys],
  ['clock', checkClock],
  ['audience', checkAudience],
  ['token', checkToken],
  ['claims', checkClaims],
  ['credential', checkCredential],
  ['rosters', checkRosters],
  ['filters', checkFilters],
  ['redis', checkRedis],
  ['audit', checkAudit],
]

/**
 * Runs every check, whatever the others find: all failures are told at once. Resolves with one result for each. `readSetting`
 * throws CONFIG for a configuration that is not usable; then nothing else can be looked at.
 */
export async function runChecks(
  readSetting: () => CheckSetting,
  surroundings: CheckSurroundings,
): Promise<readonly CheckResult[]> {
  const setting = settingOf(readSetting, surroundings.environment)
  if ('outcome' in setting) {
    const others = checks.map(([check]) => ({ check, ...skipped('The configuration is not usable.') }))
    return [{ check: 'configuration', ...setting }, ...others]
  }
  const probes = openProbes(setting, surroundings)
  try {
    const results = checks.map(async ([check, look]) => ({ check, ...(await look(probes).catch(failureOf)) }))
    return [
      { check: 'configuration', ...ok('Every variable is known and has a usable value.') },
      ...(await Promise.all(results)),
    ]
  } finally {
    await probes.close()
  }
}

function settingOf(
  readSetting: () => CheckSetting,
  { DEBUG: debug }: CheckSurroundings['environment'],
): CheckSetting | Finding {
  try {
    assertQuietClient(debug)
    return readSetting()
  } catch (thrown) {
    if (!isFhirMcpError(thrown, 'CONFIG') || thrown.detail === undefined) return failureOf(thrown)
    return fail(
      thrown.detail,
      'Correct what is named; fastify-fhir-mcp --help tells each variable with its choices.',
    )
  }
}
