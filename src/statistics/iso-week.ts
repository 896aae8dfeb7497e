const day = 86_400_000

/** A week of ISO 8601: Monday to Sunday, in the year that its Thursday is in. */
export interface IsoWeek {
  /** `2026-W03`. */
  readonly label: string
  /** Its Monday: `2026-01-12`. */
  readonly start: string
}

/** The ISO week of a date (`2026-01-14`). */
export function isoWeekOf(date: string): IsoWeek {
  const at = Date.parse(`${date}T00:00:00Z`)
  const monday = at - ((new Date(at).getUTCDay() + 6) % 7) * day
  const year = new Date(monday + 3 * day).toISOString().slice(0, -20)
  const number = Math.floor((monday + 3 * day - Date.parse(`${year}-01-01T00:00:00Z`)) / (7 * day)) + 1
  return {
    label: `${year}-W${String(number).padStart(2, '0')}`,
    start: new Date(monday).toISOString().slice(0, -14),
  }
}
