import type { BenchArguments } from './frame/arguments.ts'
import { lossesOf } from './frame/check.ts'
import type { Curve, Measure } from './frame/measure.ts'
import { type Result, resultOf } from './frame/verdict.ts'
import { measures } from './measures/all.ts'
import { comparePeer } from './peers/compare.ts'
import { consoleLines } from './report/console.ts'
import { packageRoot, readCommitted, writePeerReport, writeReport } from './report/files.ts'
import { describeMachine } from './report/machine.ts'
import { createStage, type Stage } from './servers/stage.ts'

/**
 * Runs the bench as the command line asks; resolves with the exit code: 1 when `--check` finds a loss. Files are written by a
 * run of all measures on the local exchange, and by no other.
 */
export async function runBench(given: BenchArguments): Promise<number> {
  const chosen = chosenFrom(measures, given)
  const committed = given.check ? readCommitted() : undefined
  const stage = await createStage({
    rounds: given.rounds,
    live: given.live,
    exchangePort: given.peer === undefined ? 0 : given.exchangePort,
  })
  try {
    if (given.peer !== undefined) {
      const results = await comparePeer(stage, given.peer, given)
      if (given.live === undefined) return 0
      const report = { date: new Date().toISOString(), rounds: given.rounds, results }
      for (const path of writePeerReport({ ...report, machine: describeMachine(packageRoot) }))
        console.log(`written: ${path}`)
      return 0
    }
    const start = performance.now()
    const { results, curves } = await runMeasures(stage, chosen)
    const seconds = (performance.now() - start) / 1000
    console.log(`${results.length} measures in ${seconds.toFixed(0)} s`)
    if (committed !== undefined) return reportLosses(lossesOf(results, committed))
    if (given.only.length > 0 || given.live !== undefined) return 0
    const date = new Date().toISOString()
    const report = { date, command: 'npm run bench', seconds, machine: describeMachine(packageRoot), results }
    for (const path of writeReport(report, curves)) console.log(`written: ${path}`)
    return 0
  } finally {
    await stage.close()
  }
}

async function runMeasures(
  stage: Stage,
  chosen: readonly Measure[],
): Promise<{ results: Result[]; curves: Curve[] }> {
  const results: Result[] = []
  const curves: Curve[] = []
  for (const measure of chosen) {
    const start = performance.now()
    const outcome = await measure.run(stage)
    const result = resultOf(measure, outcome)
    results.push(result)
    curves.push(...(outcome.curves ?? []))
    const seconds = (performance.now() - start) / 1000
    console.log(consoleLines(result, seconds).join('\n'))
  }
  return { results, curves }
}

function reportLosses(losses: ReturnType<typeof lossesOf>): number {
  for (const { name, before, now } of losses) {
    console.error(`LOST ${name}: ${before.toPrecision(3)}× before, ${now.toPrecision(3)}× now`)
  }
  if (losses.length === 0) console.log('No ratio is worse by more than 30 %.')
  return losses.length === 0 ? 0 : 1
}

/**
 * The measures whose names begin with one of `only`; all without any. On a live server those alone that say so. Throws a
 * TypeError where none is left.
 */
export function chosenFrom(
  all: readonly Measure[],
  { only, live }: Pick<BenchArguments, 'only' | 'live'>,
): readonly Measure[] {
  const possible = live === undefined ? all : all.filter(({ on }) => on?.includes(live.dialect))
  const chosen = possible.filter(
    ({ name }) => only.length === 0 || only.some((beginning) => name.startsWith(beginning)),
  )
  if (chosen.length === 0)
    throw new TypeError(`--only: there is ${possible.map(({ name }) => name).join(', ')}`)
  return chosen
}
