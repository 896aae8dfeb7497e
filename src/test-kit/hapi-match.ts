import type { AnyResource } from '../fhir/types.ts'
import { refuse } from './answer.ts'
import { dateComparisons, type Span, spanOf, spanOfElement } from './dates.ts'
import { valuesAt } from './elements.ts'
import type { SearchParameter } from './search-parameter.ts'

/** Whether a resource fits one condition of a search. */
export type Condition = (resource: AnyResource) => boolean

/** A condition as it stands in a URL: `type` is the resource type that is searched, for error texts. */
export interface RawCondition {
  readonly type: string
  readonly name: string
  readonly modifier: string | undefined
  readonly value: string
}

const modifiers = ['contains', 'exact', 'in', 'iterate', 'missing', 'not-in', 'of-type', 'recurse', 'text']

/** Turns a condition into a test. Several values by comma: any of them. Refuses as HAPI does. */
export function conditionOf(parameter: SearchParameter, raw: RawCondition): Condition {
  const [path = '', ...others] = parameter.paths
  const values = (resource: AnyResource) =>
    others.length === 0 ? valuesAt(resource, path) : parameter.paths.flatMap((one) => valuesAt(resource, one))
  if (raw.modifier === 'missing') {
    return (resource) => (values(resource).length === 0) === (raw.value === 'true')
  }
  if (parameter.kind === 'reference' && (parameter.targets ?? []).includes(raw.modifier ?? '')) {
    return conditionOf(parameter, { ...raw, modifier: undefined })
  }
  const test = testOf(parameter, raw)
  return (resource) => test(values(resource))
}

function testOf(parameter: SearchParameter, raw: RawCondition): (values: unknown[]) => boolean {
  const wanted = splitValues(raw.value)
  if (parameter.kind === 'date') {
    if (raw.modifier !== undefined) unsupportedModifier(raw)
    const compare = dateTest(wanted)
    return (values) => values.some(compare)
  }
  if (parameter.kind === 'string') {
    const compare = stringTest(raw)
    return (values) => values.some((value) => wanted.some((text) => compare(value, text)))
  }
  if (parameter.kind === 'token') {
    if (raw.modifier === 'not')
      return (values) => !values.some((value) => wanted.some((text) => hasToken(value, text)))
    if (raw.modifier === 'text')
      return (values) => values.some((value) => wanted.some((text) => saysText(value, text)))
    if (raw.modifier !== undefined) unsupportedModifier(raw)
    return (values) => values.some((value) => wanted.some((text) => hasToken(value, text)))
  }
  if (raw.modifier !== undefined) unsupportedModifier(raw)
  return (values) =>
    values.some((value) => wanted.some((text) => refersTo(value, text, parameter.targets ?? [])))
}

function unsupportedModifier(raw: RawCondition): never {
  refuse(
    400,
    `HAPI-2498: Unsupported search modifier(s): "[:${raw.modifier}]" for resource type "${raw.type}". Valid search modifiers are: [${modifiers.map((name) => `:${name}`).join(', ')}]`,
  )
}

/** Splits at commas that are not escaped, and unescapes (FHIR R5 §3.2.1.5.7). */
export function splitValues(value: string): string[] {
  return value
    .split(/(?<!\\),/)
    .map((part) => part.replace(/\\([\\,$|])/g, '$1'))
    .filter((part) => part !== '')
}

function dateTest(wanted: readonly string[]): (value: unknown) => boolean {
  const [text, second] = wanted
  if (text === undefined || second !== undefined)
    refuse(400, 'HAPI-1930: DateRange parameter does not support OR queries')
  const prefix = /^[a-z]{2}/.exec(text)?.[0]
  if (prefix === 'ap') refuse(400, 'HAPI-1925: Unknown comparator: APPROXIMATE')
  const compare = dateComparisons[prefix ?? 'eq']
  const asked = askedBy(prefix, prefix === undefined ? text : text.slice(2))
  if (asked === undefined || compare === undefined) {
    refuse(400, `HAPI-1882: Invalid date/time format: "${prefix === undefined ? text : text.slice(2)}"`)
  }
  return (value) => {
    const span: Span | undefined = spanOfElement(value)
    return span !== undefined && compare(span, asked)
  }
}

/** HAPI 8.8 compares with the last day of a month or year after `ge`, and with its first day after `le`. */
function askedBy(prefix: string | undefined, date: string): Span | undefined {
  const span = spanOf(date)
  if (span === undefined || !/^\d{4}(-\d{2})?$/.test(date)) return span
  const day = 86_400_000
  if (prefix === 'ge') return { low: span.high + 1 - day, high: span.high }
  return prefix === 'le' ? { low: span.low, high: span.low + day - 1 } : span
}

/** Lower case without diacritics: strings are compared so unless `:exact` is asked for. */
export function normalised(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

function stringTest(raw: RawCondition): (value: unknown, text: string) => boolean {
  if (raw.modifier === 'exact') return (value, text) => value === text
  if (raw.modifier === 'contains') {
    return (value, text) => typeof value === 'string' && normalised(value).includes(normalised(text))
  }
  if (raw.modifier !== undefined) unsupportedModifier(raw)
  return (value, text) => typeof value === 'string' && normalised(value).startsWith(normalised(text))
}

function hasToken(value: unknown, text: string): boolean {
  const bar = text.indexOf('|')
  const system = bar === -1 ? undefined : text.slice(0, bar)
  const code = text.slice(bar + 1)
  if (typeof value !== 'object' || value === null) return code === String(value)
  return codingsOf(value).some(
    (coding) =>
      (code === '' || coding.code === code) && (system === undefined || (coding.system ?? '') === system),
  )
}

/** A CodeableConcept as its codings, an Identifier or ContactPoint as one. */
function codingsOf(value: object): { system: unknown; code: unknown }[] {
  const members = 'coding' in value && Array.isArray(value.coding) ? value.coding : [value]
  return members.map((member: unknown) => ({
    system: valuesAt(member, 'system')[0],
    code: valuesAt(member, 'code')[0] ?? valuesAt(member, 'value')[0],
  }))
}

function saysText(value: unknown, text: string): boolean {
  return [...valuesAt(value, 'text'), ...valuesAt(value, 'coding.display')].some(
    (said) => typeof said === 'string' && normalised(said).startsWith(normalised(text)),
  )
}

/** Relative references only: an absolute one finds nothing, on the server's own base too. */
function refersTo(value: unknown, text: string, targets: readonly string[]): boolean {
  const [reference] = valuesAt(value, 'reference')
  if (typeof reference !== 'string') return typeof value === 'string' && value === text
  if (text.includes('/')) return reference === text
  return targets.some((type) => reference === `${type}/${text}`)
}
