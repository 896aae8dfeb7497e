import { z } from 'zod'
import { fhirMcpError } from '../errors.ts'

/** What the text of a variable says, by the type of its setting. Throws CONFIG with the variable's name. */
export function parsedValue(name: string, type: z.core.$ZodType, text: string): unknown {
  if (type instanceof z.ZodNumber) return numberOf(name, text)
  if (type instanceof z.ZodBoolean) return booleanOf(name, text)
  if (type instanceof z.ZodArray) {
    return type.element instanceof z.ZodObject ? [jsonOf(name, text)].flat() : listOf(text)
  }
  if (type instanceof z.ZodRecord) return jsonOf(name, text)
  if (type instanceof z.ZodUnion) {
    const choices = type.def.options
    if (choices.some((choice) => choice instanceof z.ZodArray) && text.includes(',')) return listOf(text)
    const isBoolean = text === 'true' || text === 'false'
    if (isBoolean && choices.some((choice) => choice instanceof z.ZodBoolean)) return text === 'true'
  }
  return text
}

function numberOf(name: string, text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw wrong(name, 'must be a number')
  return Number(text)
}

function booleanOf(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw wrong(name, 'must be true or false')
  return text === 'true'
}

function listOf(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries.filter((entry) => entry !== '')
}

/** A file of variables quotes JSON for shells; `docker run --env-file` and others that take lines as they are keep the quotes. */
function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^'(.*)'$/s, '$1'))
  } catch {
    throw wrong(name, 'must be JSON')
  }
}

/** Puts a value into its place, with the groups that lead there. */
export function put(input: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length === 0) {
    input[name] = value
    return
  }
  const inner = input[name]
  const group: Record<string, unknown> = isGroup(inner) ? inner : {}
  input[name] = group
  put(group, rest, value)
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A variable that is not as it should be. */
export function wrong(name: string, what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${name} ${what}.` })
}
