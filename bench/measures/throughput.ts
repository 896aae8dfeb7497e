import { type Call, mcpHeaders, toolCall } from '../frame/caller.ts'
import { sendOnce } from '../frame/compare.ts'
import type { Measure, Outcome, Target } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import { loadReport } from '../servers/load.ts'
import type { Site } from '../servers/site.ts'
import type { Stage } from '../servers/stage.ts'
import { ourCall, referenceFor } from './prepare.ts'

const connections = 100
const seconds = 3
const mostRounds = 4

type Targets = readonly {
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}[]

/** Loads both sides by turns from one process of autocannon. */
async function loaded(stage: Stage, ours: Targets, reference: Targets): Promise<Outcome> {
  const load = await stage.load()
  const fire = (targets: Targets, time: number) =>
    load.ask('cannon', loadReport, { targets, connections, seconds: time })
  for (const side of [ours, reference]) await fire(side, 1)
  const rounds = []
  const [mine, theirs] = [[], []] as [(typeof loadReport)['_output'][], (typeof loadReport)['_output'][]]
  for (let round = 0; round < Math.min(stage.rounds, mostRounds); round += 1) {
    const order = round % 2 === 0 ? [mine, theirs] : [theirs, mine]
    for (const kept of order) kept.push(await fire(kept === mine ? ours : reference, seconds))
    rounds.push({ ours: mine.at(-1)?.rate ?? 0, reference: theirs.at(-1)?.rate ?? 0 })
  }
  const [p50, p99] = [median(mine.map((one) => one.p50)), median(mine.map((one) => one.p99))]
  return {
    unit: 'calls/s',
    rounds,
    figures: [
      { name: 'errors', value: mine.reduce((sum, one) => sum + one.errors, 0), unit: '', atMost: 0 },
      { name: 'ours, p99 ÷ p50', value: p99 / p50, unit: '×', atMost: 8 },
      { name: 'ours, p50', value: p50, unit: 'ms' },
      { name: 'ours, p99', value: p99, unit: 'ms' },
      { name: 'reference, p50', value: median(theirs.map((one) => one.p50)), unit: 'ms' },
      { name: 'reference, p99', value: median(theirs.map((one) => one.p99)), unit: 'ms' },
    ],
  }
}

function targetOf({ origin, path, headers, body }: Call): Targets[number] {
  return { url: `${origin}${path}`, headers: { ...headers }, body: body ?? '' }
}

async function againstSdk(stage: Stage, name: string, body: (site: Site) => string): Promise<Outcome> {
  const site = await stage.site('hapi')
  const ours = ourCall(site.gateway, await stage.token([site.subjects.study]), body(site))
  await sendOnce(ours)
  const { sdk } = await referenceFor(ours, site.reference, `throughput-${name}`)
  return loaded(stage, [targetOf(ours)], [targetOf(sdk)])
}

function atLeast(value: number): Target {
  return { of: 'ours ÷ reference', bound: 'at least', value }
}

const against = "the SDK's low-level server answering the same bytes, without an exchange"

/** 100 clients that are denied. */
export const throughputDenied: Measure = {
  name: 'throughput-denied',
  title: `Throughput, ${connections} clients at once, denied`,
  against,
  target: atLeast(0.8),
  run: (stage) =>
    againstSdk(stage, 'denied', ({ subjects }) =>
      toolCall('get_study_metadata', { study_id: subjects.otherStudy }),
    ),
}

/** 100 clients that are allowed: a request to the exchange for each call. */
export const throughputAllowed: Measure = {
  name: 'throughput-allowed',
  title: `Throughput, ${connections} clients at once, allowed, exchange at 0 ms`,
  against,
  target: atLeast(0.5),
  run: (stage) =>
    againstSdk(stage, 'allowed', ({ subjects }) =>
      toolCall('get_patient_demographics', { patient_id: subjects.patient }),
    ),
}

/** Two gateways beside each other; the load takes its share of the same two cores. */
export const twoProcesses: Measure = {
  name: 'throughput-two-processes',
  title: `Throughput, ${connections} clients at once, denied, two processes`,
  against: 'one process',
  target: undefined,
  async run(stage) {
    const site = await stage.site('hapi')
    const token = await stage.token([site.subjects.study])
    const body = toolCall('get_study_metadata', { study_id: site.subjects.otherStudy })
    const other = await site.another()
    const targets = [site.gateway, other].map(({ facts }) => ({
      url: `${facts.origin}/mcp`,
      headers: mcpHeaders(token),
      body,
    }))
    const outcome = await loaded(stage, targets, targets.slice(0, 1))
    const note =
      'The process that makes the load runs on the same two cores, so that twice as much is out of reach.'
    return { ...outcome, notes: [note] }
  },
}
