import { z } from 'zod'
import type { Called } from '../../test/e2e/clients.ts'
import { code } from './markup.ts'

const letters = 220

/** The text of an answer, shortened: many lines to some, long ones to their beginning, and what is new each time. */
export function shortened(answer: string, linesShown = 10): string {
  const text = answer
    .replace(/eyJ[\w-]+(\.[\w-]*)+/g, 'eyJhbGciOi…')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'https://login.example.org')
  const lines = text.split('\n').map((line) => (line.length > letters ? `${line.slice(0, letters)}…` : line))
  const hidden = lines.length - linesShown
  if (hidden <= 1) return lines.join('\n')
  return [...lines.slice(0, linesShown), `… (${hidden} more lines)`].join('\n')
}

const structure = z.looseObject({
  resourceType: z.string().optional(),
  type: z.string().optional(),
  parameter: z.array(z.looseObject({ name: z.string() })).optional(),
  entry: z.array(z.looseObject({ resource: z.looseObject({ resourceType: z.string() }) })).optional(),
})

/** What is in the structured part of an answer and beside it, in a sentence. */
export function structureOf({ structured, content }: Called): string {
  const { resourceType, type, parameter, entry } = structure.parse(structured)
  const others = content.slice(1).map((block) => `a block of type ${code(block.type)}`)
  const beside = others.length === 0 ? '' : ` Beside the text: ${others.join(', ')}.`
  if (resourceType === 'Bundle') {
    const types = [...new Set((entry ?? []).map(({ resource }) => resource.resourceType))]
    return `${code('structuredContent')}: a ${code('Bundle')} (${type}) of ${list(types)}.${beside}`
  }
  if (resourceType === 'Parameters') {
    const names = [...new Set((parameter ?? []).map(({ name }) => name))]
    return `${code('structuredContent')}: ${code('Parameters')} with ${list(names)}.${beside}`
  }
  if (resourceType !== undefined) return `${code('structuredContent')}: one ${code(resourceType)}.${beside}`
  const members = Object.keys(structured)
  if (members.length === 0) return `No ${code('structuredContent')}.${beside}`
  return `${code('structuredContent')}: an object with ${list(members)}.${beside}`
}

function list(names: readonly string[]): string {
  return names.map(code).join(', ')
}
