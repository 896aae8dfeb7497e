import { z } from 'zod'

/** One setting of the configuration: where it is, what it may be, and what it is for. */
export interface Leaf {
  readonly path: readonly string[]
  /** Without its defaults and optional wrappers. */
  readonly type: z.core.$ZodType
  readonly description: string | undefined
  /** Value when it is left out; undefined where there is none. */
  readonly fallback: unknown
  /** Whether it always has to be given; a member of a group that may be left out does not. */
  readonly required: boolean
}

interface Unwrapped {
  readonly type: z.core.$ZodType
  readonly description: string | undefined
  readonly fallback: unknown
  readonly required: boolean
  /** Left out, it stays out: no default takes its place. */
  readonly mayBeAbsent: boolean
}

/**
 * Every setting of an options schema that a text can say, in its order, groups opened; a function is none. What has no
 * description of its own has that of its group, `about`.
 */
export function leavesOf(
  schema: z.core.$ZodType,
  path: readonly string[] = [],
  always = true,
  about?: string,
): Leaf[] {
  const unwrapped = unwrap(schema)
  const { type, description = about, fallback, mayBeAbsent } = unwrapped
  const required = always && unwrapped.required
  const group = groupOf(type)
  if (group !== undefined) {
    const members = Object.entries(group)
    const alwaysThere = always && !mayBeAbsent && !(type instanceof z.ZodUnion)
    return members.flatMap(([name, member]) => leavesOf(member, [...path, name], alwaysThere, description))
  }
  if (type instanceof z.ZodCustom) return []
  return [{ path, type, description, fallback, required }]
}

/** Paths in `input` that an options schema does not have. */
export function unknownPaths(
  schema: z.core.$ZodType,
  input: unknown,
  path: readonly string[] = [],
): (readonly string[])[] {
  const group = groupOf(unwrap(schema).type)
  if (group === undefined || typeof input !== 'object' || input === null) return []
  return Object.entries(input).flatMap(([name, value]) => {
    const member = Object.hasOwn(group, name) ? group[name] : undefined
    return member === undefined ? [[...path, name]] : unknownPaths(member, value, [...path, name])
  })
}

/** The members of a group, also where a group is one of the choices (`'memory'` or `{ redis }`); undefined for any other type. */
function groupOf(type: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined {
  if (type instanceof z.ZodObject) return type.shape
  return type instanceof z.ZodUnion
    ? type.def.options.find((choice) => choice instanceof z.ZodObject)?.shape
    : undefined
}

function unwrap(schema: z.core.$ZodType): Unwrapped {
  let type = schema
  let description: string | undefined
  let fallback: unknown
  let required = true
  let mayBeAbsent = false
  for (;;) {
    description ??= z.globalRegistry.get(type)?.description
    if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) {
      fallback = type.def.defaultValue
      required = false
      type = type.def.innerType
    } else if (type instanceof z.ZodOptional) {
      required = false
      mayBeAbsent = fallback === undefined
      type = type.def.innerType
    } else {
      return { type, description, fallback, required, mayBeAbsent }
    }
  }
}
