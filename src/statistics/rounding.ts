/**
 * A computed number for reading: four significant digits, but never fewer than its whole ones (12,345.6 is `12346`).
 * Numbers as they were given are never passed through this.
 */
export function rounded(number: number): string {
  if (!Number.isFinite(number)) return String(number)
  const digits = Math.abs(number) >= 1000 ? Math.round(number) : Number(number.toPrecision(4))
  return String(digits === 0 ? 0 : digits)
}
