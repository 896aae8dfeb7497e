#!/usr/bin/env node
import { run } from './run.ts'

const stopped = new Promise<void>((resolve) => {
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // The first asks, the second insists. The listener stays: packages that clean up at a signal (signal-exit) end the process
    // where they find themselves the only ones that listen.
    process.on(signal, () => {
      if (asked) {
        process.removeAllListeners(signal)
        process.kill(process.pid, signal)
      }
      asked = true
      resolve()
    })
  }
})
const { stdin, stdout, stderr, env: environment } = process
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, environment, stopped })
