import type { z } from 'zod'
import { fhirMcpError } from '../errors.ts'
import { unknownPaths } from './leaves.ts'
import { type Options, optionsSchema } from './options.ts'

/** How a setting is called where it was given: `fhir.baseUrl`, or the name of an environment variable. */
export type NameOf = (path: readonly string[]) => string

const dotted: NameOf = (path) => path.join('.')

/**
 * Checks options and fills in every default. Throws CONFIG that names each setting that is wrong and says what it has to
 * be; a value is never repeated, it may be a secret.
 */
export function parseOptions(input: unknown, nameOf: NameOf = dotted): Options {
  return parseBy(optionsSchema, input, nameOf)
}

/** The same for the options of another schema. */
export function parseBy<T extends z.ZodType>(
  schema: T,
  input: unknown,
  nameOf: NameOf = dotted,
): z.output<T> {
  const unknown = unknownPaths(schema, input).map((path) => `${nameOf(path)} is not an option`)
  const parsed = schema.safeParse(input)
  const wrong = parsed.success
    ? []
    : parsed.error.issues.flatMap(narrowed).map((issue) => {
        const path = issue.path.map(String)
        return `${nameOf(path)} ${wording(issue, valueAt(input, path) === undefined)}`
      })
  if (parsed.success && unknown.length === 0) return parsed.data
  throw fhirMcpError('CONFIG', { detail: `${[...new Set([...unknown, ...wrong])].join('; ')}.` })
}

/** Of several choices, what is wrong within the one whose kind was given: of `{ prefix }` that it lacks `redis`. */
function narrowed(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const within = issue.errors.find(
    (issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0),
  )
  return within?.flatMap((inner) => narrowed({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue]
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, name)?.value
  }
  return value
}

function wording(issue: z.core.$ZodIssue, missing: boolean): string {
  // The words are ours, of a check in the schema.
  if (issue.code === 'custom') return issue.message
  if (missing) return 'is required'
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `must ${verbFor(issue.origin)} ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${issue.origin === 'string' && issue.minimum !== 1 ? ' characters' : ''}`
    case 'too_big':
      return `must ${verbFor(issue.origin)} at most ${issue.maximum}`
    case 'invalid_format':
      return issue.format === 'url'
        ? 'must be an http or https URL'
        : `must match ${issue.pattern ?? 'its form'}`
    default:
      return 'does not have an accepted form'
  }
}

/** Numbers are, texts and lists have. */
function verbFor(origin: string): string {
  return origin === 'number' || origin === 'int' ? 'be' : 'have'
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}
