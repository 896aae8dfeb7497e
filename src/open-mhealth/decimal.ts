/** A decimal number without rounding: `digits` times ten to the power of `exponent`. */
export interface Decimal {
  readonly digits: bigint
  readonly exponent: number
}

const grammar = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** Reads a JSON number, or what `String` makes of a number; undefined for anything else, `Infinity` and `NaN` too. */
export function decimalOf(text: string): Decimal | undefined {
  const match = grammar.exec(text)
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] = match
  const all = `${whole}${fraction}`
  const significant = all.replace(/0+$/, '')
  if (/^0*$/.test(significant)) return { digits: 0n, exponent: 0 }
  const exponent = Number(power) - fraction.length + (all.length - significant.length)
  return { digits: BigInt(`${sign}${significant}`), exponent }
}

/** A decimal of so many digits, with no exponent, is never changed by being a double (IEEE 754: 15). */
const exactDigits = 15

/** Whether a JSON number comes out of `JSON.parse` as exactly what was written. */
export function survivesParsing(literal: string): boolean {
  if (literal.length <= exactDigits && !/[eE]/.test(literal)) return true
  const written = decimalOf(literal)
  const read = decimalOf(String(Number(literal)))
  return written?.digits === read?.digits && written?.exponent === read?.exponent
}
