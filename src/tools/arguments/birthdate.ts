import { z } from 'zod'

const grammar = /^(ge|le|gt|lt)?\d{4}-\d{2}-\d{2}$/

const birthdateValue = z
  .string()
  .refine((value) => grammar.test(value), {
    error: 'must be a day, as 1962-04-30, with ge, le, gt or lt before it for a range',
    abort: true,
  })
  .refine(isDay, { error: 'is a day that the calendar does not have' })

/** A birth date as a FHIR search value: one day, or up to two ends of a range. */
export const birthdate = z
  .union([birthdateValue, z.array(birthdateValue).min(1).max(2)], {
    error: 'must be a day as 1962-04-30, with ge, le, gt or lt before it for a range; two of them at most',
  })
  .optional()
  .describe('1962-04-30, ge1960-01-01, or two ends of a range')

function isDay(value: string): boolean {
  const day = value.slice(-10)
  const parsed = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day)
}
