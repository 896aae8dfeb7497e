import type { Answer, Table } from './answer.ts'
import { outcomeEntry } from './searchset.ts'

/**
 * Adds to what an answer says was asked which arguments were given without a value: they count as left out, and a caller that
 * meant something by one has to see it.
 */
export function withEmptyArguments(answer: Answer, names: readonly string[]): Answer {
  if (names.length === 0 || answer.isError === true) return answer
  const { structured, text } = answer
  const wording = `Given without a value, so taken as left out: ${names.join(', ')}.`
  return {
    ...answer,
    ...(text === undefined
      ? {}
      : { text: isOurs(structured) ? behindFirstLine(text, wording) : `${text}\n${wording}` }),
    ...(structured === undefined ? {} : { structured: noted(structured, names, wording) }),
  }
}

/** Whether the first line of the text says what was asked; that of an own tool may be anything. */
function isOurs(structured: Answer['structured']): boolean {
  return structured !== undefined && (isTable(structured) || typeof structured.resourceType === 'string')
}

function behindFirstLine(text: string, line: string): string {
  const [first = '', ...others] = text.split('\n')
  return [first, line, ...others].join('\n')
}

function noted(
  structured: NonNullable<Answer['structured']>,
  names: readonly string[],
  wording: string,
): NonNullable<Answer['structured']> {
  if (isTable(structured)) return { ...structured, notes: [wording, ...structured.notes] }
  const { resourceType, parameter, entry } = structured
  if (resourceType === 'Parameters' && Array.isArray(parameter)) {
    const given = names.map((valueString) => ({ name: 'givenWithoutValue', valueString }))
    return { ...structured, parameter: [...parameter, ...given] }
  }
  if (resourceType !== 'Bundle') return structured
  const note = { severity: 'information', code: 'informational', text: wording } as const
  const entries: readonly unknown[] = Array.isArray(entry) ? entry : []
  return { ...structured, entry: [...entries, outcomeEntry([note], 'arguments')] }
}

function isTable(structured: NonNullable<Answer['structured']>): structured is Table {
  return 'columns' in structured && 'rows' in structured && Array.isArray(structured.notes)
}
