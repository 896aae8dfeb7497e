import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether two texts are the same, in a time that does not say where they differ. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(
    createHash('sha256').update(one).digest(),
    createHash('sha256').update(other).digest(),
  )
}
