import type { Figure, Measure, Outcome, Target } from './measure.ts'
import { median, type Spread, spreadOf } from './statistics.ts'

/** What is kept of a measure: what the table shows and `--check` compares. */
export interface Result {
  readonly name: string
  readonly title: string
  readonly against: string
  readonly unit: string
  readonly target: Target | undefined
  /** Median of the ratios of the rounds, each way round as the target has it; undefined without a reference. */
  readonly ratio: Spread | undefined
  readonly ours: number | undefined
  readonly reference: number | undefined
  readonly figures: readonly Figure[]
  readonly notes: readonly string[]
  readonly met: boolean
}

/** The result of a measure. */
export function resultOf(
  { name, title, against, target }: Omit<Measure, 'run' | 'on'>,
  { unit, rounds, figures, notes = [] }: Outcome,
): Result {
  const inverse = target?.of === 'reference ÷ ours'
  const ratios = rounds.map(({ ours, reference }) => (inverse ? reference / ours : ours / reference))
  const ratio = ratios.length === 0 ? undefined : spreadOf(ratios)
  const side = (values: readonly number[]) => (values.length === 0 ? undefined : median(values))
  const reached = target === undefined || (ratio !== undefined && reaches(target, ratio.median))
  return {
    name,
    title,
    against,
    unit,
    target,
    ratio,
    ours: side(rounds.map((round) => round.ours)),
    reference: side(rounds.map((round) => round.reference)),
    figures,
    notes,
    met: reached && figures.every(({ value, atMost }) => atMost === undefined || value <= atMost),
  }
}

function reaches({ bound, value }: Target, ratio: number): boolean {
  return bound === 'at most' ? ratio <= value : ratio >= value
}
