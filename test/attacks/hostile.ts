import fc from 'fast-check'
import type { ListedTool } from './gateway.ts'

/** Names of a cohort: what a caller may see, and what not. */
export interface Names {
  readonly inside: readonly string[]
  readonly foreign: readonly string[]
}

const pieces = [
  ...'/ .. ../ ./ // \\ \\, %2f %2F %2e%2e%2f %5c %00 %0a %252f %u002f ? # , | $ & = ; : + *'.split(' '),
  ...'／ ．． ？ ＃ ， ｜ ＄ ‐ ․ ⁄ а ｐ é 𝟏 １ \u202e \u200b \ufeff \u0085 \u2028 \n \r\n \t \0'.split(' '),
  ...'Patient/ ResearchStudy/ Group/ Observation/ Organization/ metadata _search _history/1 $everything'.split(
    ' ',
  ),
  ...'_include=* _revinclude=Observation:patient _has:ResearchSubject:patient:study= _id= _count=9999'.split(
    ' ',
  ),
  ...'_has:Group:member:_id= patient= subject:Patient._id= study.title= _filter= _query= :not :above'.split(
    ' ',
  ),
  ...':missing=true :contains title= identifier= http://loinc.org| http://elsewhere.example/ ge lt'.split(
    ' ',
  ),
  ...'__proto__ constructor null undefined NaN 0 -1 1e9 heart-rate UTC 2026-10-01'.split(' '),
  ...[' ', 'Host: elsewhere', "' OR 1=1 --", '{{7*7}}'],
]

/** Texts that try to be more than the one value that they are. */
export function hostileText({ inside, foreign }: Names): fc.Arbitrary<string> {
  const word = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pieces) },
    { weight: 2, arbitrary: fc.constantFrom(...foreign) },
    { weight: 1, arbitrary: fc.constantFrom(...inside) },
  )
  return fc.oneof(
    { weight: 6, arbitrary: fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join('')) },
    { weight: 2, arbitrary: fc.constantFrom(...foreign) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...inside), word, fc.constantFrom(...foreign))
        .map((words) => words.join('')),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 80 }) },
    { weight: 1, arbitrary: fc.tuple(word, fc.nat(3000)).map(([text, times]) => text.repeat(times)) },
  )
}

type Schema = Readonly<Record<string, unknown>>

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function schemasIn(list: unknown): Schema[] {
  return Array.isArray(list) ? list.filter(isSchema) : []
}

/** Whether a schema takes free text, by itself, in a list, or as one of several shapes. */
function takesText(schema: Schema): boolean {
  if (schema.type === 'string') return schema.enum === undefined && schema.const === undefined
  if (schema.type === 'array') return isSchema(schema.items) && takesText(schema.items)
  if (schema.type === 'object')
    return isSchema(schema.additionalProperties) && takesText(schema.additionalProperties)
  return [...schemasIn(schema.anyOf), ...schemasIn(schema.oneOf)].some(takesText)
}

/** Names of the arguments of a tool that take free text. */
export function textArguments({ properties }: ListedTool['inputSchema']): string[] {
  const known = isSchema(properties) ? Object.entries(properties) : []
  return known.filter(([, schema]) => isSchema(schema) && takesText(schema)).map(([name]) => name)
}

/** Whether a tool cannot be called without an argument. */
export function isRequired({ required }: ListedTool['inputSchema'], name: string): boolean {
  return Array.isArray(required) && required.includes(name)
}

/** Values that fit a schema; a text is one of `texts`. */
function fitting(schema: Schema, texts: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const { type, anyOf, oneOf, items } = schema
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') return fc.integer({ min: 1, max: 60 })
  if (type === 'array')
    return fc.array(fitting(isSchema(items) ? items : {}, texts), { minLength: 1, maxLength: 2 })
  if (type === 'object' && isSchema(schema.additionalProperties)) {
    const names = fc.oneof(fc.constantFrom('code', 'status', 'class', 'date', 'onset-date'), texts)
    // Now and then a good one, so that some get through.
    const values = fc.oneof(fc.constantFrom('38341003', 'urn:x|y', 'ge2024-01'), texts)
    return fc.dictionary(names, fitting(schema.additionalProperties, values), { minKeys: 1, maxKeys: 2 })
  }
  const several = [...schemasIn(anyOf), ...schemasIn(oneOf)]
  if (several.length > 0) return fc.oneof(...several.map((one) => fitting(one, texts)))
  return texts
}

/** One call that attacks. */
export interface HostileCall {
  readonly tool: string
  readonly given: Record<string, unknown>
}

/**
 * Calls of every tool that is listed, made from its schema alone, so that a new tool is attacked without a word here: one or
 * more of its texts are hostile, what is left is as `usual` has it (an empty list: left out), or fits the schema.
 */
export function hostileCalls(
  tools: readonly ListedTool[],
  names: Names,
  usual: Readonly<Record<string, readonly unknown[]>>,
): fc.Arbitrary<HostileCall> {
  const calls = tools.map(({ name, inputSchema }) => {
    const properties = isSchema(inputSchema.properties) ? inputSchema.properties : {}
    const required = Array.isArray(inputSchema.required) ? inputSchema.required.map(String) : []
    const known = Object.entries(properties).flatMap(([property, schema]) =>
      isSchema(schema) ? [[property, schema] as const] : [],
    )
    const calm = Object.fromEntries(
      known.flatMap(([property, schema]) => {
        const values = usual[property]
        if (values?.length === 0) return []
        const fits = fitting(schema, fc.constantFrom(...names.inside))
        return [[property, values === undefined ? fits : fc.constantFrom(...values)]]
      }),
    )
    const attacked = new Map(
      known.map(([property, schema]) => [property, hostileFor(schema, names, usual[property])]),
    )
    const texts = known.filter(([, schema]) => takesText(schema)).map(([property]) => property)
    const arbitrary = fc
      .tuple(
        fc.record(calm, { requiredKeys: required.filter((one) => Object.hasOwn(calm, one)) }),
        victimsOf(texts).chain((chosen) =>
          fc.record(Object.fromEntries(chosen.map((one) => [one, attacked.get(one) ?? fc.constant('')]))),
        ),
        fc.oneof(
          { weight: 24, arbitrary: fc.constant({}) },
          { weight: 1, arbitrary: unknownArgument(names) },
        ),
      )
      .map(
        ([rest, hostile, extra]): HostileCall => ({ tool: name, given: { ...rest, ...hostile, ...extra } }),
      )
    return { weight: texts.length + 1, arbitrary }
  })
  return fc.oneof(...calls)
}

/** A hostile value for an argument; often a good one with something hostile before, after or around it. */
function hostileFor(schema: Schema, names: Names, usual: readonly unknown[] = []): fc.Arbitrary<unknown> {
  const good = usual.filter((value) => typeof value === 'string')
  const hostile = hostileText(names)
  if (good.length === 0) return fitting(schema, hostile)
  const parts = fc.tuple(
    fc.constantFrom('', ...pieces),
    fc.constantFrom(...good),
    fc.constantFrom('', ...pieces, ...names.foreign),
  )
  return fitting(
    schema,
    fc.oneof(
      hostile,
      parts.map((words) => words.join('')),
    ),
  )
}

function unknownArgument(names: Names): fc.Arbitrary<object> {
  const name = fc.constantFrom('__proto__', 'constructor', '_id', 'patient', 'subject')
  return fc.tuple(name, hostileText(names)).map(([argument, text]) => ({ [argument]: text }))
}

/** Mostly one text is hostile, so that what is left of the call is good; seldom a cursor, which nobody can make up. */
function victimsOf(texts: readonly string[]): fc.Arbitrary<string[]> {
  const others = texts.filter((name) => name !== 'cursor')
  if (others.length === 0) return fc.subarray([...texts])
  return fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...others).map((one) => [one]) },
    { weight: 3, arbitrary: fc.subarray(others, { minLength: 1, maxLength: Math.min(3, others.length) }) },
    { weight: 1, arbitrary: fc.subarray([...texts], { minLength: 1 }) },
  )
}
