/**
 * Extension of a number that keeps the digits it was written with, where a double would not give them back: `1.00`, 17 digits,
 * and what no double can hold. Inside of the server a number has it as its companion (`_value` beside `value`), which every copy
 * of a resource keeps; on the wire the number itself is written with these digits, and the extension is not there.
 */
export const digitsUrl = 'urn:fastify-fhir-mcp:decimal-digits'

const literal = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Whether a text is a number of JSON. */
export function isNumberLiteral(text: string): boolean {
  return literal.test(text)
}

/** The digits that a member of an object was written with, where they are kept. */
export function digitsOf(holder: object, name: string): string | undefined {
  return keptIn(ownMember(holder, `_${name}`))
}

/** A number as it was written; undefined where the member is none, and was none. */
export function writtenNumber(holder: object, name: string): string | undefined {
  const value = ownMember(holder, name)
  return digitsOf(holder, name) ?? (typeof value === 'number' ? String(value) : undefined)
}

/** The companion of a member with the digits in it, beside what it says already. */
export function withDigits(companion: unknown, digits: string, ...others: readonly object[]): object {
  const own = isObject(companion) ? companion : {}
  return { ...own, extension: [...extensionsOf(own), ...others, { url: digitsUrl, valueString: digits }] }
}

/** A companion without the digits; undefined where nothing is left of it. */
export function withoutDigits(companion: unknown): object | undefined {
  if (!isObject(companion)) return undefined
  const { extension: _, ...rest } = companion
  const left = extensionsOf(companion).filter((one) => !isDigits(one))
  if (left.length > 0) return { ...companion, extension: left }
  return Object.keys(rest).length > 0 ? rest : undefined
}

/** A copy of a value in which numbers whose digits are kept are texts with these digits; itself where there are none. */
export function numbersAsWritten(value: object): object {
  const written = mapNumbers(value, (digits) => digits)
  return isObject(written) ? written : value
}

/**
 * A copy in which each number whose digits are kept is what `write` makes of them, without the extension; itself where there
 * are none. Digits that are no number, or another one than the number, are nobody's of ours: they stay as they came.
 */
export function mapNumbers(value: unknown, write: (digits: string) => unknown): unknown {
  if (Array.isArray(value)) {
    const mapped = value.map((one) => mapNumbers(one, write))
    return mapped.some((one, at) => one !== value[at]) ? mapped : value
  }
  if (!isObject(value)) return value
  let copy: Record<string, unknown> | undefined
  for (const [name, member] of Object.entries(value)) {
    const mapped = mapNumbers(member, write)
    if (mapped !== member) {
      copy ??= { ...value }
      copy[name] = mapped
    }
  }
  for (const name of Object.keys(value)) {
    const digits = name.startsWith('_') ? keptIn(value[name]) : undefined
    const number = value[name.slice(1)]
    if (digits === undefined || typeof number !== 'number' || Number(digits) !== number) continue
    copy ??= { ...value }
    copy[name.slice(1)] = write(digits)
    const companion = withoutDigits(copy[name])
    if (companion === undefined) delete copy[name]
    else copy[name] = companion
  }
  return copy ?? value
}

function keptIn(companion: unknown): string | undefined {
  if (!isObject(companion)) return undefined
  const kept = extensionsOf(companion).find(isDigits)
  const digits = kept === undefined ? undefined : ownMember(kept, 'valueString')
  return typeof digits === 'string' && isNumberLiteral(digits) ? digits : undefined
}

function isDigits(extension: unknown): extension is object {
  return isObject(extension) && extension.url === digitsUrl
}

function extensionsOf(companion: Record<string, unknown>): unknown[] {
  return Array.isArray(companion.extension) ? companion.extension : []
}

function ownMember(holder: object, name: string): unknown {
  return Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
