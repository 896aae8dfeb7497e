import { z } from 'zod'
import { parseTime } from '../../fhir/date-time.ts'

const grammar = /^(?:ge|le|gt|lt)?(\d{4}(?:-\d{2}(?:-\d{2})?)?)$/
const form =
  'a day, month or year, as 1962-04-30, 1962-04 or 1962, with ge, le, gt or lt before it for a range'

const birthdateValue = z
  .string()
  .refine((value) => grammar.test(value), { error: `must be ${form}`, abort: true })
  .refine(isInCalendar, { error: 'is a date that the calendar does not have' })

/** A birth date as a FHIR search value: one day, month or year, or up to two ends of a range. */
export const birthdate = z
  .union([birthdateValue, z.array(birthdateValue).min(1).max(2)], {
    error: `must be ${form}; two of them at most`,
  })
  .optional()
  .describe('1962-04-30, 1962-04, 1962, ge1960, or two ends of a range')

function isInCalendar(value: string): boolean {
  return parseTime(grammar.exec(value)?.[1] ?? '') !== undefined
}
