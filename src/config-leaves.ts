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

/** Every setting of an options schema that a text can say, in its order, groups opened; a function is none. */
export function leavesOf(schema: z.core.$ZodType, path: readonly string[] = [], always = true): Leaf[] {
  const unwrapped = unwrap(schema)
  const required = always && unwrapped.required
  if (unwrapped.type instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.$ZodType>> = unwrapped.type.shape
    return Object.entries(shape).flatMap(([name, member]) =>
      leavesOf(member, [...path, name], always && !unwrapped.mayBeAbsent),
    )
  }
  const { type, description, fallback } = unwrapped
  if (type instanceof z.ZodCustom) return []
  return [{ path, type, description, fallback, required }]
}

/** Paths in `input` that an options schema does not have. */
export function unknownPaths(
  schema: z.core.$ZodType,
  input: unknown,
  path: readonly string[] = [],
): (readonly string[])[] {
  const { type } = unwrap(schema)
  if (!(type instanceof z.ZodObject) || typeof input !== 'object' || input === null) return []
  const shape: Readonly<Record<string, z.core.$ZodType>> = type.shape
  return Object.entries(input).flatMap(([name, value]) => {
    const member = Object.hasOwn(shape, name) ? shape[name] : undefined
    return member === undefined ? [[...path, name]] : unknownPaths(member, value, [...path, name])
  })
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
