import { z } from 'zod'

/** A text of 1 to `most` characters. Its bounds are checked but not in `tools/list`, where every byte is paid for. */
export function shortText(most: number) {
  return z
    .string()
    .trim()
    .refine((text) => text.length > 0 && text.length <= most, { error: `must have 1 to ${most} characters` })
}
