import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedFailures, expectedFailuresOnRealServer, withoutFixtures } from './expected-failures.ts'
import { runInspector } from './inspector.ts'
import { startRealServer, startSuiteServer } from './servers.ts'
import { runSuite } from './suite.ts'
import { type Report, tableOf } from './table.ts'

const revisions = ['2025-11-25', '2026-07-28'] as const

/** Runs everything and prints a table of each suite. Returns how many did not come out as they should. */
async function runAll(folder: string): Promise<number> {
  let failed = 0
  const show = (report: Report) => {
    process.stdout.write(`${tableOf(report)}\n`)
    if (report.failed) failed += 1
  }
  const folderOf = async (name: string) => {
    const own = join(folder, name)
    await mkdir(own)
    return own
  }
  // Records of the calls, and what the Inspector keeps, stay with this run.
  const home = await folderOf('home')
  Object.assign(process.env, { HOME: home, USERPROFILE: home, XDG_STATE_HOME: home })

  const server = await startSuiteServer()
  try {
    for (const revision of revisions) {
      const title = `Conformance ${revision}: the plugin, with the suite's tools, resources and prompts`
      const expected = expectedFailures[revision]
      show(await runSuite({ title, url: server.url, revision, expected, folder: await folderOf(revision) }))
    }
  } finally {
    await server.close()
  }

  const real = await startRealServer()
  try {
    for (const revision of revisions) {
      const title = `Conformance ${revision}: the demo's gateway, nothing added`
      const scenarios = withoutFixtures[revision]
      const expected = expectedFailuresOnRealServer
      const own = await folderOf(`real-${revision}`)
      show(await runSuite({ title, url: real.url, revision, scenarios, expected, folder: own }))
    }
    show(await runInspector(real.protectedUrl, real.token))
  } finally {
    await real.close()
  }
  return failed
}

const folder = await mkdtemp(join(tmpdir(), 'fhir-mcp-conformance-'))
try {
  process.exitCode = (await runAll(folder)) === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
