import { syncBuiltinESMExports } from 'node:module'
import perf from 'node:perf_hooks'

const { monitorEventLoopDelay } = perf

/**
 * Lets the event loop of a test's process look idle, so that a loaded machine does not have gateways refuse what a test is
 * about. A test of that refusal sets `globalThis.measuresEventLoop`. It is loaded into every worker, and by NODE_OPTIONS into
 * the processes that tests start.
 */
perf.monitorEventLoopDelay = (options) => {
  const histogram = monitorEventLoopDelay(options)
  if (globalThis.measuresEventLoop !== true) Object.defineProperty(histogram, 'mean', { value: 0 })
  return histogram
}
syncBuiltinESMExports()
