import { z } from 'zod'

/** What a caller gave for a tool, read by the tool's schema. */
export interface GivenArguments {
  /** The arguments as the schema has them, as far as that is clear; what is not stays as it came. */
  readonly values: unknown
  /** Names of optional arguments that were given without a value; they are not among the values. */
  readonly empty: readonly string[]
  /** Names of arguments with a whole number that JSON readers round, so that nobody knows what was meant. */
  readonly rounded: readonly string[]
}

/** The part of JSON Schema that says how a value may be read. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
}

/** What is found while the arguments are read. */
interface Findings {
  readonly empty: string[]
  readonly rounded: string[]
}

type Members = Readonly<Record<string, unknown>>

const schemas = new WeakMap<z.ZodObject, Schema>()
const wholeText = /^[+-]?\d+(\.\d+)?$/

/**
 * Reads arguments as a model or its client writes them where only one meaning is possible: `null` and an empty text for what is
 * left out, whole numbers for ids, texts for numbers and booleans, one value for a list and a list of one for a value, JSON in
 * a text for lists and objects. The schema of the tool says what is wanted, and checks the values afterwards.
 */
export function givenArguments(input: z.ZodObject, given: unknown): GivenArguments {
  const findings: Findings = { empty: [], rounded: [] }
  const values = readValue(given ?? {}, schemaOf(input), '', findings)
  return { values, ...findings }
}

function schemaOf(input: z.ZodObject): Schema {
  const known = schemas.get(input)
  if (known !== undefined) return known
  const made = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as Schema
  schemas.set(input, made)
  return made
}

function readValue(value: unknown, schema: Schema, path: string, findings: Findings): unknown {
  const forms = formsOf(schema)
  const takes = (type: string) => forms.find((form) => typesOf(form).includes(type))
  if (typeof value === 'number') return readNumber(value, takes, path, findings)
  if (typeof value === 'string') return readText(value, takes, path, findings)
  if (Array.isArray(value)) {
    const list = takes('array')
    if (list !== undefined) return readList(value, list, path, findings)
    return value.length === 1 && forms.length > 0 ? readValue(value[0], schema, path, findings) : value
  }
  const object = takes('object')
  return isObject(value) && object !== undefined ? readObject(value, object, path, findings) : value
}

type Takes = (type: string) => Schema | undefined

function readNumber(value: number, takes: Takes, path: string, findings: Findings): unknown {
  const isWhole = Number.isInteger(value)
  if (isWhole && !Number.isSafeInteger(value)) findings.rounded.push(path)
  if (takes('number') !== undefined || takes('integer') !== undefined) return value
  if (takes('string') !== undefined) return isWhole ? String(value) : value
  const list = takes('array')
  return list === undefined ? value : readList([value], list, path, findings)
}

function readText(value: string, takes: Takes, path: string, findings: Findings): unknown {
  const text = value.trim()
  const list = takes('array')
  if (list !== undefined) {
    const written = jsonIn(text, '[')
    if (Array.isArray(written)) return readList(written, list, path, findings)
  }
  if (takes('string') !== undefined) return value
  if (wholeText.test(text) && (takes('number') !== undefined || takes('integer') !== undefined)) {
    return readNumber(Number(text), takes, path, findings)
  }
  if (/^(true|false)$/i.test(text) && takes('boolean') !== undefined) return text.toLowerCase() === 'true'
  if (list !== undefined) return readList([value], list, path, findings)
  const object = takes('object')
  const written = object === undefined ? undefined : jsonIn(text, '{')
  return object !== undefined && isObject(written) ? readObject(written, object, path, findings) : value
}

function readList(
  values: readonly unknown[],
  { items = {} }: Schema,
  path: string,
  findings: Findings,
): unknown[] {
  return values.map((value) => readValue(value, items, path, findings))
}

function readObject(members: Members, schema: Schema, path: string, findings: Findings): Members {
  const { properties = {}, additionalProperties, required = [] } = schema
  const more = typeof additionalProperties === 'object' ? additionalProperties : undefined
  const kept = Object.entries(members).flatMap(([name, value]) => {
    const isNamed = Object.hasOwn(properties, name)
    const form = isNamed ? properties[name] : more
    if (form === undefined) return [[name, value] as const]
    const own = path === '' ? name : `${path}.${name}`
    // A condition of a search with an empty text is a mistake: more would be found without it.
    const mayBeEmpty = isNamed ? !required.includes(name) : value === null
    if (mayBeEmpty && isEmpty(value, form)) {
      findings.empty.push(own)
      return []
    }
    return [[name, readValue(value, form, own, findings)] as const]
  })
  return Object.fromEntries(kept)
}

/** Whether a value says that there is none, where the schema gives it no other meaning. */
function isEmpty(value: unknown, schema: Schema): boolean {
  const forms = formsOf(schema)
  const types = forms.flatMap(typesOf)
  // A schema of no type takes anything, null as well.
  if (value === null) return types.length > 0 && !types.includes('null')
  if (typeof value !== 'string' || value.trim() !== '') return false
  return types.length > 0 && !forms.some((form) => form.enum?.includes(value))
}

function formsOf(schema: Schema): readonly Schema[] {
  const forms = schema.anyOf ?? schema.oneOf
  return forms === undefined ? [schema] : forms.flatMap(formsOf)
}

function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat()
}

function jsonIn(text: string, opening: '[' | '{'): unknown {
  if (!text.startsWith(opening)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
