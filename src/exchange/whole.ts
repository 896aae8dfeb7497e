import { BadAnswer } from './bad-answer.ts'
import type { Gap } from './exchange.ts'

/** Throws EXCHANGE_REJECTED for an answer of which rows may be missing: a number of them would say too little. */
export function requireWhole<T extends { readonly gaps: readonly Gap[] }>(answer: T): T {
  if (answer.gaps.length === 0) return answer
  throw new BadAnswer('Its answer may be incomplete, by its own words or its own total.')
}
