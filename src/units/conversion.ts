import { withoutAnnotations } from './ucum-code.ts'
import { type Size, ucumTable } from './ucum-table.ts'

/** Significant digits that a converted number is rounded to. */
export const convertedDigits = 10

/** The dimension of a UCUM code, such as `M1` or `L-3.mol1`; undefined where the unit is not in the table. */
export function dimensionOf(code: string): string | undefined {
  return sizeOf(code)?.[0]
}

/** Whether two codes are one unit, whatever their annotations and spelling: `{beats}/min` and `/min`, `/(24.h)` and `/d`. */
export function isSameUnit(one: string, other: string): boolean {
  const [a, b] = [withoutAnnotations(one), withoutAnnotations(other)]
  if (a === b) return true
  const [from, to] = [sizeOf(a), sizeOf(b)]
  if (from === undefined || to === undefined || from[0] !== to[0]) return false
  return from[1] * to[2] === to[1] * from[2] && (from[3] ?? 0) === (to[3] ?? 0)
}

/**
 * A number of one unit in another of its dimension, rounded to 10 significant digits; undefined where the table does not have
 * both. Mass and substance are two dimensions, and arbitrary units have none.
 */
export function converted(value: number, from: string, to: string): number | undefined {
  if (isSameUnit(from, to)) return value
  const [own, target] = [sizeOf(from), sizeOf(to)]
  if (own === undefined || target === undefined || own[0] !== target[0]) return undefined
  const [, times, per, zero = 0] = own
  const [, targetTimes, targetPer, targetZero = 0] = target
  const exact = ((value - zero) * times * targetPer) / (per * targetTimes) + targetZero
  return Number(exact.toPrecision(convertedDigits))
}

function sizeOf(code: string): Size | undefined {
  const bare = withoutAnnotations(code)
  return Object.hasOwn(ucumTable, bare) ? ucumTable[bare] : undefined
}
