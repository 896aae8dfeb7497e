import { fhirMcpError } from '../errors.ts'
import { intervalOf } from './effective.ts'

const grammar = /^(eq|ge|le|gt|lt)?(\d{4}(?:-\d{2}(?:-\d{2})?)?)$/

/** Splits a birthdate condition in prefix and date. Throws INVALID_ARGUMENT when it is none of eq, ge, le, gt, lt. */
export function birthdateParts(condition: string): { prefix: string; date: string } {
  const match = grammar.exec(condition)
  if (match?.[2] === undefined || intervalOf(match[2]) === undefined) {
    throw fhirMcpError('INVALID_ARGUMENT', {
      detail: 'birthdate must be a date, alone or after ge, le, gt or lt, as ge1960-01-01.',
    })
  }
  return { prefix: match[1] ?? 'eq', date: match[2] }
}

/**
 * The same condition in whole days, each of which has to be met. JupyterHealth compares days alone. HAPI (8.8) takes the last
 * day of a month or year after `ge` and the first one after `le`, and so does not find what lies between them.
 */
export function inWholeDays(prefix: string, date: string): string[] {
  if (!/^\d{4}(-\d{2})?$/.test(date)) return [`${prefix === 'eq' ? '' : prefix}${date}`]
  const [year = '', month] = date.split('-')
  const first = `${year}-${month ?? '01'}-01`
  const last = `${year}-${month ?? '12'}-${month === undefined ? '31' : lastDay(Number(year), Number(month))}`
  if (prefix === 'eq') return [`ge${first}`, `le${last}`]
  return [prefix === 'ge' || prefix === 'lt' ? `${prefix}${first}` : `${prefix}${last}`]
}

/** A birthdate condition in whole days. Throws as `birthdateParts`. */
export function birthdateInDays(condition: string): string[] {
  const { prefix, date } = birthdateParts(condition)
  return inWholeDays(prefix, date)
}

/** A year below 100 is not one of the last century. */
function lastDay(year: number, month: number): number {
  const day = new Date(0)
  day.setUTCFullYear(year, month, 0)
  return day.getUTCDate()
}
