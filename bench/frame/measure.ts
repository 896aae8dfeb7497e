import type { Stage } from '../servers/stage.ts'

/** What a measure must reach. */
export interface Target {
  readonly of: 'ours ÷ reference' | 'reference ÷ ours'
  readonly bound: 'at most' | 'at least'
  readonly value: number
}

/** One round: what both sides took (or gave), in the unit of the measure. */
export interface Round {
  readonly ours: number
  readonly reference: number
}

/** An absolute figure beside the ratio. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it must not exceed, where that is required. */
  readonly atMost?: number
}

/** One line of a plot: a quantity that grows, and what a call takes then. */
export interface Curve {
  readonly name: string
  /** What grows, in words, such as `patients in a roster`. */
  readonly grows: string
  readonly points: readonly { readonly size: number; readonly milliseconds: number }[]
}

/** What a measure found. */
export interface Outcome {
  readonly unit: string
  /** Interleaved; empty where there is nothing to compare with. */
  readonly rounds: readonly Round[]
  readonly figures: readonly Figure[]
  /** What a reader has to know to read the figures rightly. */
  readonly notes?: readonly string[]
  readonly curves?: readonly Curve[]
}

/** One row of the table. */
export interface Measure {
  /** What `--only` and the results call it. */
  readonly name: string
  /** What is measured, in words. */
  readonly title: string
  /** What it is compared with, in words. */
  readonly against: string
  /** Undefined where the figures alone have something to reach. */
  readonly target: Target | undefined
  /** Live servers that it can be run on; absent: the local exchange alone. */
  readonly on?: readonly ('hapi' | 'jupyterhealth')[]
  run(stage: Stage): Promise<Outcome>
}
