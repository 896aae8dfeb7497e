import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { runCommand } from './command.ts'
import type { ExpectedFailure, Revision } from './expected-failures.ts'
import type { Report, Row } from './table.ts'

const checks = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }))

/** What is run, against what. */
export interface SuiteRun {
  readonly title: string
  readonly url: string
  readonly revision: Revision
  /** Undefined: all that the revision requires. */
  readonly scenarios?: readonly string[]
  readonly expected: readonly ExpectedFailure[]
  /** An empty folder for the suite's own results. */
  readonly folder: string
}

/**
 * Runs the official suite. Its exit code is what counts: it fails for a failure or a warning that is not expected, and for an
 * expectation that is met no more.
 */
export async function runSuite(run: SuiteRun): Promise<Report> {
  return run.scenarios === undefined ? runRequired(run) : runNamed(run, run.scenarios)
}

async function runRequired({ title, url, revision, expected, folder }: SuiteRun): Promise<Report> {
  const required = await requiredBy(revision)
  const args = ['--url', url, '--requirements', revision, '-o', folder]
  const ended = await runCommand('conformance', [
    'server',
    ...args,
    ...(await writeBaseline(expected, folder)),
  ])
  const rows = await rowsIn(folder, expected, required)
  const missing = [...required].filter((scenario) => !rows.some(({ name }) => name === scenario))
  const failed = ended.code !== 0 || required.size === 0 || missing.length > 0
  const output = `${ended.stdout.slice(ended.stdout.indexOf('Total:'))}${ended.stderr}${missing.map((name) => `not run: ${name}\n`).join('')}`
  return { title, rows, failed, output }
}

async function runNamed(run: SuiteRun, scenarios: readonly string[]): Promise<Report> {
  const rows: Row[] = []
  const failures: string[] = []
  for (const scenario of scenarios) {
    const expected = run.expected.filter((one) => one.scenario === scenario)
    const folder = join(run.folder, scenario)
    const args = ['--url', run.url, '--scenario', scenario, '--spec-version', run.revision, '-o', folder]
    const ended = await runCommand('conformance', [
      'server',
      ...args,
      ...(await writeBaseline(expected, run.folder)),
    ])
    const found = await rowsIn(folder, expected, new Set(scenarios))
    rows.push(...found)
    if (ended.code !== 0 || found.length === 0) failures.push(`${scenario}\n${ended.stdout}${ended.stderr}`)
  }
  return { title: run.title, rows, failed: failures.length > 0, output: failures.join('\n') }
}

/** The scenarios that count for a revision. */
async function requiredBy(revision: Revision): Promise<Set<string>> {
  const { stdout } = await runCommand('conformance', ['list', '--requirements', revision])
  const [, block = ''] = stdout.split('Server scenarios')
  const [ofServer = ''] = block.split('\n\n')
  return new Set([...ofServer.matchAll(/^ {2}- (\S+)$/gm)].map(([, scenario = '']) => scenario))
}

/** The file in which the suite is told what is expected to fail. */
async function writeBaseline(expected: readonly ExpectedFailure[], folder: string): Promise<string[]> {
  const file = join(folder, 'expected-failures.yml')
  const entries = expected.map(({ scenario, check }) =>
    check === undefined ? scenario : `${scenario}:${check}`,
  )
  const lines = entries.map((entry) => `  - ${entry}\n`).join('')
  await writeFile(file, entries.length === 0 ? 'server: []\n' : `server:\n${lines}`)
  return ['--expected-failures', file]
}

async function rowsIn(
  folder: string,
  expected: readonly ExpectedFailure[],
  required: ReadonlySet<string>,
): Promise<Row[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const rows = folders.map(async (name): Promise<Row> => {
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    const all = checks.parse(JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')))
    const failed = all.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    const reasons = expected.filter((one) => one.scenario === scenario)
    const excused = failed.every(({ id }) => reasons.some(({ check }) => check === undefined || check === id))
    const words = excused
      ? [...new Set(reasons.map(({ reason }) => reason))]
      : failed.map(({ id, errorMessage = '' }) => `${id}: ${errorMessage}`)
    return {
      name: scenario,
      passed: all.filter(({ status }) => status === 'SUCCESS').length,
      failed: failed.length,
      verdict: verdictOf(failed.length > 0, excused, required.has(scenario)),
      words: failed.length === 0 || !required.has(scenario) ? '' : words.join(' '),
    }
  })
  return Promise.all(rows)
}

function verdictOf(failed: boolean, excused: boolean, required: boolean): Row['verdict'] {
  if (!required) return 'not scored'
  if (!failed) return 'passed'
  return excused ? 'expected' : 'FAILED'
}
