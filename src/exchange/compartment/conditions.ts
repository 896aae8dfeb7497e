import { fhirMcpError } from '../../errors.ts'
import {
  type CompartmentSearch,
  type CompartmentType,
  compartmentRule,
  valuesAt,
} from '../../fhir/compartment.ts'
import { dayOf, parseTime } from '../../fhir/date-time.ts'
import type { AnyResource } from '../../fhir/types.ts'
import { requireHonoured } from '../check.ts'
import { type Interval, intervalOf } from '../effective.ts'
import { tokenValue } from '../hapi/escape.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { inWholeDays } from '../whole-days.ts'

/** What a caller searches by: names of search parameters, each with a value or several. */
export type SearchArguments = Readonly<Record<string, string | readonly string[]>>

/** One condition of a search, checked: what is sent, and what its answers are held against. */
export interface Condition {
  readonly name: string
  readonly kind: CompartmentSearch['kind']
  readonly pairs: SearchPairs
  /** Whether a resource meets it, as far as it can be told: servers differ in what they make of a time zone. */
  readonly holds: (resource: AnyResource) => boolean
  /**
   * Whether a resource meets it by the rules of FHIR (R5 §3.2.1.5.6, times without a zone in UTC), for searches that are made
   * here. A Timing is not looked into: it meets every date.
   */
  readonly meets: (resource: AnyResource) => boolean
  /** Whether every server has to find it: neither by a Timing, nor by a system that only the element's definition tells. */
  readonly mustMeet: (resource: AnyResource) => boolean
}

const most = { names: 8, tokens: 20, dates: 2, length: 256 } as const
/** `code` or `system|code`; nothing that separates or escapes values, and nothing that cannot be seen. */
const tokenGrammar =
  /^(?:[A-Za-z][A-Za-z0-9+.-]*:[^\s|,$\\\p{C}]+\|)?[^\s|,$\\\p{C}]+(?: [^\s|,$\\\p{C}]+)*$/u
const meaningful = /[\p{L}\p{N}]/u
const dateGrammar = /^(eq|ge|le|gt|lt)?(\d{4}[\dT:.Z+-]*)$/

/**
 * Reads what a caller searches by. A name has to be one of the type's list, letter by letter: that leaves out chains,
 * modifiers, `_has`, `_include`, `_filter`, and the parameter of the patient, which is the grant's. Several tokens mean any
 * of them; two dates both. Throws INVALID_ARGUMENT, without a word of the caller's in it.
 */
export function conditionsOf(type: CompartmentType, search: SearchArguments): Condition[] {
  const { searches } = compartmentRule(type)
  const given = Object.entries(search)
  if (given.length > most.names) throw invalid(`search takes ${most.names} conditions at the most.`)
  return given.map(([name, value]) => {
    const known = Object.hasOwn(searches, name) ? searches[name] : undefined
    if (known === undefined) {
      throw invalid(
        `search on ${type} takes ${Object.keys(searches).join(', ')}; without chains, modifiers and parameters that begin with _.`,
      )
    }
    const values = typeof value === 'string' ? [value] : [...value]
    return known.kind === 'token' ? tokenCondition(name, known, values) : dateCondition(name, known, values)
  })
}

/** Holds a resource against conditions. Throws NOT_SUPPORTED_BY_EXCHANGE for one that the exchange ignored. */
export function holdAgainstConditions(resource: AnyResource, conditions: readonly Condition[]): void {
  for (const { name, holds } of conditions) requireHonoured(holds(resource), name)
}

/** The stretch of time in which the first of these elements lies that has one; undefined where none does. */
export function timeAt(resource: AnyResource, paths: readonly string[]): Interval | undefined {
  for (const value of paths.flatMap((path) => valuesAt(resource, path))) {
    const interval = intervalAt(value)
    if (interval !== undefined) return interval
  }
  return undefined
}

/** When a resource was, by the first of these elements that says so: times without a zone in UTC. */
export function exactTimeAt(resource: AnyResource, paths: readonly string[]): Interval | undefined {
  for (const value of paths.flatMap((path) => valuesAt(resource, path))) {
    const interval = exactIntervalAt(value)
    if (interval !== undefined) return interval
  }
  return undefined
}

function tokenCondition(name: string, { paths }: CompartmentSearch, values: readonly string[]): Condition {
  if (values.length === 0 || values.length > most.tokens) {
    throw invalid(`search.${name} takes 1 to ${most.tokens} values.`)
  }
  if (!values.every(isToken)) {
    throw invalid(`search.${name} must be a code, or system|code; several as a list, not by comma.`)
  }
  const holds = (resource: AnyResource) => {
    const found = paths.flatMap((path) => valuesAt(resource, path))
    return values.some((value) => found.some((one) => hasToken(one, value)))
  }
  return {
    name,
    kind: 'token',
    pairs: [[name, values.map(tokenValue).join(',')]],
    holds,
    meets: holds,
    mustMeet(resource) {
      const found = paths.flatMap((path) => valuesAt(resource, path))
      return values.some((value) =>
        found.some((one) => hasToken(one, value) && (typeof one !== 'string' || !value.includes('|'))),
      )
    },
  }
}

function isToken(value: string): boolean {
  const code = value.slice(value.indexOf('|') + 1)
  return value.length <= most.length && tokenGrammar.test(value) && meaningful.test(code)
}

function hasToken(found: unknown, wanted: string): boolean {
  const bar = wanted.indexOf('|')
  const code = wanted.slice(bar + 1)
  // A code by itself has its system from the element's definition, which only the server knows.
  if (typeof found === 'string') return found === code
  const codings = valuesAt(found, 'coding')
  return (codings.length > 0 ? codings : [found]).some((coding) => {
    const [system = ''] = valuesAt(coding, 'system')
    return valuesAt(coding, 'code')[0] === code && (bar === -1 || system === wanted.slice(0, bar))
  })
}

function dateCondition(name: string, { paths }: CompartmentSearch, values: readonly string[]): Condition {
  if (values.length === 0 || values.length > most.dates) {
    throw invalid(`search.${name} takes a date, or two for a range.`)
  }
  const all = values.map((value) => {
    const match = dateGrammar.exec(value)
    const written = match?.[2] === undefined ? undefined : parseTime(match[2])
    const asked = match?.[2] === undefined ? undefined : intervalOf(match[2])
    const clock = written !== undefined && ['minute', 'second', 'fraction'].includes(written.precision)
    const whole = clock ? asked?.exact === true && written.precision !== 'minute' : true
    if (written === undefined || asked === undefined || !whole) {
      throw invalid(
        `search.${name} must be a date (2026-10-01), a month, a year, or a date-time with seconds and offset (2026-10-01T08:30:00Z); ge, le, gt, lt or eq may stand before it. Today is ${dayOf(Date.now(), 'UTC')} in UTC.`,
      )
    }
    const prefix = match?.[1] ?? 'eq'
    // What means a whole month or year by itself needs no two ends.
    const sent = prefix === 'eq' ? value : inWholeDays(prefix, match?.[2] ?? '').join()
    return {
      sent,
      holds: comparison(prefix, widened(asked)),
      meets: exactComparison(prefix, inSeconds(asked)),
    }
  })
  const some = (resource: AnyResource, test: (value: unknown) => boolean) =>
    paths.flatMap((path) => valuesAt(resource, path)).some((one) => test(one) || isTiming(one))
  const surely = (value: unknown, zone: number): boolean => {
    const found = exactIntervalAt(value)
    if (found === undefined) return false
    const interval = { from: found.from + zone, to: found.to + zone }
    return all.every(({ meets }) => meets(interval))
  }
  return {
    name,
    kind: 'date',
    pairs: all.map(({ sent }) => [name, sent] as const),
    holds: (resource) =>
      some(resource, (value) => {
        const interval = intervalAt(value)
        return interval !== undefined && all.every(({ holds }) => holds(interval))
      }),
    meets: (resource) => some(resource, (value) => surely(value, 0)),
    mustMeet: (resource) =>
      paths
        .flatMap((path) => valuesAt(resource, path))
        .some((value) => farthestZones.every((zone) => surely(value, zone))),
  }
}

/** Whether a stretch of time can be what a prefix asks for; what it cannot be shows that the condition was ignored. */
function comparison(prefix: string, asked: Interval): (found: Interval) => boolean {
  switch (prefix) {
    case 'ge':
    case 'gt':
      return ({ to }) => to >= asked.from
    case 'le':
    case 'lt':
      return ({ from }) => from <= asked.to
    default:
      return ({ from, to }) => from <= asked.to && to >= asked.from
  }
}

/** Whether a stretch of time is what a prefix asks for: R5 §3.2.1.5.6. */
function exactComparison(prefix: string, asked: Interval): (found: Interval) => boolean {
  switch (prefix) {
    case 'ge':
      return ({ to }) => to >= asked.from
    case 'gt':
      return ({ to }) => to > asked.to
    case 'le':
      return ({ from }) => from <= asked.to
    case 'lt':
      return ({ from }) => from < asked.from
    default:
      return ({ from, to }) => from >= asked.from && to <= asked.to
  }
}

/** A time to the second means the whole of it. */
function inSeconds({ from, to, exact }: Interval & { readonly exact: boolean }): Interval {
  return { from, to: exact ? to + 999 : to }
}

function exactIntervalAt(value: unknown): Interval | undefined {
  if (typeof value === 'string') return intervalOf(value)
  const [start] = valuesAt(value, 'start').map(intervalOf)
  const [end] = valuesAt(value, 'end').map(intervalOf)
  if (start === undefined && end === undefined) return undefined
  return { from: start?.from ?? Number.NEGATIVE_INFINITY, to: end?.to ?? Number.POSITIVE_INFINITY }
}

function intervalAt(value: unknown): Interval | undefined {
  if (typeof value === 'string') {
    const interval = intervalOf(value)
    return interval === undefined ? undefined : widened(interval)
  }
  const start = intervalAtEnd(value, 'start')
  const end = intervalAtEnd(value, 'end')
  if (start === undefined && end === undefined) return undefined
  return { from: start?.from ?? Number.NEGATIVE_INFINITY, to: end?.to ?? Number.POSITIVE_INFINITY }
}

function intervalAtEnd(period: unknown, name: 'start' | 'end'): Interval | undefined {
  const [text] = valuesAt(period, name)
  return typeof text === 'string' ? intervalAt(text) : undefined
}

/** A Timing names no single stretch: the server knows what it finds it by. */
function isTiming(value: unknown): boolean {
  return valuesAt(value, 'repeat').length > 0 || valuesAt(value, 'event').length > 0
}

/** A date without a time zone may be anywhere on Earth: UTC-12 to UTC+14, in milliseconds. */
const farthestZone = 14 * 3_600_000
const farthestZones = [-farthestZone, farthestZone]

/** Servers keep seconds, not their fractions. */
function widened({ from, to, exact }: Interval & { readonly exact: boolean }): Interval {
  return exact ? { from, to: to + 999 } : { from: from - farthestZone, to: to + farthestZone }
}

function invalid(detail: string) {
  return fhirMcpError('INVALID_ARGUMENT', { detail })
}
