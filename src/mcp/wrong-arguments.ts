import type { z } from 'zod'
import { oneLine, someOf } from '../results/line.ts'

/** What is wrong with arguments that a schema refused, by name and never with a value, and which arguments there are. */
export function wrongArguments({ issues }: z.ZodError, { shape }: z.ZodObject, values: unknown): string {
  return issues.map((issue) => wordingOf(issue, Object.keys(shape), values)).join('; ')
}

/** What to do about whole numbers that JSON readers round. */
export function roundedArguments(names: readonly string[]): string {
  const wrong = 'a whole number beyond 2^53 loses digits in JSON; send it as a text, in quotes'
  return names.map((name) => `${name}: ${wrong}`).join('; ')
}

function wordingOf(issue: z.core.$ZodIssue, known: readonly string[], values: unknown): string {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys' && path === '') return unknownNames(issue.keys, known)
  if (issue.code === 'invalid_type' && isMissing(values, issue.path)) return `${path} is missing`
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

function unknownNames(keys: readonly string[], known: readonly string[]): string {
  const names = keys.map((key) => oneLine(key, 40))
  const there = known.length === 0 ? 'this tool takes no arguments' : `the arguments are ${known.join(', ')}`
  return `there is no argument ${someOf(names, 5)}; ${there}`
}

function isMissing(values: unknown, path: readonly PropertyKey[]): boolean {
  let value = values
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return false
    value = Object.getOwnPropertyDescriptor(value, key)?.value
  }
  return value === undefined || value === null
}
