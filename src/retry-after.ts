/** Retry-After (RFC 9110, §10.2.3) in whole seconds from `now`; undefined when there is none or it is not readable. */
export function retryAfterOf(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value)
  const until = Date.parse(value)
  return Number.isNaN(until) ? undefined : Math.max(0, Math.ceil((until - now) / 1000))
}
