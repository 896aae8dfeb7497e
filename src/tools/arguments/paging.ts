import { z } from 'zod'

/** Rows of a page: what may be asked for, and what is given without asking. */
export const pageLimits = { smallest: 1, largest: 1000, normal: 50 } as const

/** How many rows a page may have; the byte budget can make it fewer. */
export const limit = z
  .int({ error: `a whole number from ${pageLimits.smallest} to ${pageLimits.largest}` })
  .min(pageLimits.smallest)
  .max(pageLimits.largest)
  .default(pageLimits.normal)
  .describe('Rows per page')

/** Where the page begins: the cursor of the page before it. */
export const cursor = z.string().optional().describe('From the page before; other arguments unchanged')
