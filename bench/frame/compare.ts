import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type Call, createCaller } from './caller.ts'
import { interleave, timed } from './interleave.ts'
import type { Figure, Round } from './measure.ts'

/** One side of a comparison over HTTP. */
export interface HttpSide {
  readonly call: Call
  /** The process that answers, for its processor time in microseconds. */
  readonly child: { cpu(): Promise<number> }
}

/** What a comparison over HTTP found: milliseconds from the request to the last byte of the answer. */
export interface Compared {
  readonly rounds: Round[]
  readonly figures: Figure[]
}

/** Both sides, until their code is compiled: so many calls each, or so long. */
const warmUp = { calls: 1500, milliseconds: 2500 }

/** Compares two calls, one connection each, one call after another, by turns. */
export async function compareCalls(
  rounds: number,
  block: number,
  ours: HttpSide,
  reference: HttpSide,
): Promise<Compared> {
  const [one, other] = [sideOf(ours), sideOf(reference)]
  const start = performance.now()
  for (let turn = 0; turn < warmUp.calls && performance.now() - start < warmUp.milliseconds; turn += 1) {
    await one.sample()
    await other.sample()
  }
  one.reset()
  other.reset()
  const made = await interleave(rounds, { ...one, block }, { ...other, block })
  await Promise.all([one.close(), other.close()])
  return {
    rounds: made,
    figures: [
      { name: 'processor time, ours ÷ reference', value: one.cpu() / other.cpu(), unit: '×' },
      ...one.figures('ours'),
      ...other.figures('reference'),
    ],
  }
}

function sideOf({ call, child }: HttpSide) {
  const caller = createCaller(call)
  let histogram = createHistogram()
  let cpu = 0
  return {
    async sample() {
      const milliseconds = await timed(() => caller.send())
      histogram.record(Math.max(1, Math.round(milliseconds * 1000)))
      return milliseconds
    },
    async around(block: () => Promise<number>) {
      const before = await child.cpu()
      const found = await block()
      cpu += (await child.cpu()) - before
      return found
    },
    reset() {
      histogram = createHistogram()
      cpu = 0
    },
    cpu: () => cpu,
    figures(who: string): Figure[] {
      return [
        { name: `${who}, processor time of a call`, value: cpu / 1000 / histogram.count, unit: 'ms' },
        { name: `${who}, p99`, value: percentile(histogram, 99), unit: 'ms' },
      ]
    },
    close: () => caller.close(),
  }
}

function percentile(histogram: RecordableHistogram, part: number): number {
  return histogram.percentile(part) / 1000
}

/** Sends a call once. */
export async function sendOnce(call: Call): Promise<Buffer> {
  const caller = createCaller(call)
  try {
    return await caller.send()
  } finally {
    await caller.close()
  }
}

/** Throws unless both calls are answered with the same bytes. */
export async function assertSameBytes(one: Call, other: Call): Promise<void> {
  const [first, second] = [await sendOnce(one), await sendOnce(other)]
  if (!first.equals(second)) {
    throw new Error(`${one.path} and ${other.path} differ:\n${first}\n${second}`)
  }
}
