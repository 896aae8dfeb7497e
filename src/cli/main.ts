#!/usr/bin/env node
import { run } from './run.ts'

const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // The first asks, the second insists: without a listener it ends the process.
    process.once(signal, () => resolve())
  }
})
const { stdin, stdout, stderr, env: environment } = process
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, environment, stopped })
