import { z } from 'zod'
import { milliseconds } from './fields.ts'

export const resultsSchema = z
  .object({
    byteBudget: z.number().int().min(4096).default(65_536).describe('Bytes of one answer'),
    cursorKey: z
      .string()
      .optional()
      .describe('32 bytes in base64url that seal cursors; needed with several processes'),
    deadline: milliseconds(
      45_000,
      'Longest time for one call, rosters included (many clients give up after 60 seconds)',
    ),
  })
  .prefault({})
