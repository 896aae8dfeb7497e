import type { CheckResult } from '../check/finding.ts'
import { runChecks } from '../check/run-checks.ts'
import { checkSetting } from './check-setting.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * `check`: looks at the configuration, the exchange, the issuer and the token, and tells each finding with its cure: as a table,
 * or as JSON. Resolves with whether nothing failed.
 */
export async function check(
  json: boolean,
  {
    environment,
    stdout,
    stderr,
    stopped,
  }: Pick<Surroundings, 'environment' | 'stdout' | 'stderr' | 'stopped'>,
  now: () => number = () => Date.now(),
): Promise<boolean> {
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  const results = await runChecks(() => checkSetting(environment), {
    environment,
    now,
    signal: stop.signal,
    progress: (line) => void stderr.write(`${line}\n`),
  })
  stdout.write(json ? `${JSON.stringify({ checks: results }, undefined, 2)}\n` : tableOf(results))
  return !results.some(({ outcome }) => outcome === 'fail')
}

/** One row for each check, its cure below the first that has it, and a line that sums up. */
export function tableOf(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ check: name }) => name.length))
  const told = new Set<string>()
  const rows = results.flatMap(({ check: name, outcome, found, cure }) => {
    const row = `${outcome.padEnd(7)}  ${name.padEnd(width)}  ${found}`
    if (cure === undefined || told.has(cure)) return [row]
    told.add(cure)
    return [row, `${' '.repeat(width + 11)}→ ${cure}`]
  })
  const count = (outcome: CheckResult['outcome']) => results.filter((one) => one.outcome === outcome).length
  const sum = `${results.length} checks: ${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed, ${count('skipped')} skipped`
  return `${[...rows, '', sum].join('\n')}\n`
}
