import { BadAnswer } from './bad-answer.ts'
import type { Gap } from './exchange.ts'
import { searchedAnew } from './page-expired.ts'

/**
 * Reads a search to its end, and once more where the exchange forgot its pages, or gave rows again in the place of others: it
 * may have changed meanwhile. Throws EXCHANGE_REJECTED where rows are repeated again: numbers of such rows are wrong, and
 * nobody can tell by how much.
 */
export async function readTwice<T extends { readonly gaps: readonly Gap[] }>(
  read: () => Promise<T>,
): Promise<T> {
  const first = await searchedAnew(read)
  if (!first.gaps.includes('repeated')) return first
  const second = await read()
  if (!second.gaps.includes('repeated')) return second
  throw new BadAnswer('Its pages repeat rows, so that others are missing.')
}
