import { z } from 'zod'
import type { Result } from './verdict.ts'

/** The part of it that may be lost before `--check` fails. */
export const allowedLoss = 0.3

const committedSchema = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      ratio: z.object({ median: z.number() }).optional(),
      target: z.object({ bound: z.enum(['at most', 'at least']) }).optional(),
    }),
  ),
})

/** What is compared with: the ratios of `bench/results.json`. */
export type Committed = z.output<typeof committedSchema>

/** Reads the committed results. Throws a ZodError for a file that is not one. */
export function committedOf(json: unknown): Committed {
  return committedSchema.parse(json)
}

/** A ratio that became worse by more than is allowed. */
export interface Loss {
  readonly name: string
  readonly before: number
  readonly now: number
}

/**
 * The measures whose ratio is worse than the committed one by more than 30 %. Ratios of times may grow by it, ratios of rates
 * may fall by it. What was not measured both times is not compared.
 */
export function lossesOf(results: readonly Result[], committed: Committed): Loss[] {
  return results.flatMap(({ name, ratio }) => {
    const before = committed.results.find((one) => one.name === name)
    if (ratio === undefined || before?.ratio === undefined) return []
    const change = ratio.median / before.ratio.median
    const lost = before.target?.bound === 'at least' ? change < 1 - allowedLoss : change > 1 + allowedLoss
    return lost ? [{ name, before: before.ratio.median, now: ratio.median }] : []
  })
}
