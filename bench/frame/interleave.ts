import type { Round } from './measure.ts'
import { median } from './statistics.ts'

/** One side of a comparison. */
export interface Side {
  /** Takes one sample, in the unit of the measure. */
  readonly sample: () => Promise<number>
  /** Samples of one block. */
  readonly block: number
  /** Runs around a whole block, for what is counted over it. */
  readonly around?: (block: () => Promise<number>) => Promise<number>
}

/**
 * Runs both sides by turns, a block of each per round, and who begins changes with every round: what else the machine does
 * then falls on both. A round is the median of each block. One round before the first is for warming up, and not kept.
 */
export async function interleave(rounds: number, ours: Side, reference: Side): Promise<Round[]> {
  const made: Round[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const oursFirst = round % 2 === 0
    const first = await blockOf(oursFirst ? ours : reference)
    const second = await blockOf(oursFirst ? reference : ours)
    const kept = oursFirst ? { ours: first, reference: second } : { ours: second, reference: first }
    if (round > 0) made.push(kept)
  }
  return made
}

async function blockOf({ sample, block, around = (run) => run() }: Side): Promise<number> {
  return around(async () => {
    const samples: number[] = []
    for (let index = 0; index < block; index += 1) samples.push(await sample())
    return median(samples)
  })
}

/** How long a piece of work takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
