import type { AnyResource } from '../fhir/types.ts'
import type { Answer } from './answer.ts'

/** One resource before it is laid out. */
export interface Single {
  /** What was asked, in one line of text. */
  readonly asked: string
  readonly resource: AnyResource
  /** The pruned form, for a resource that alone is larger than the byte budget. */
  readonly smaller?: AnyResource
  /** What the resource says, a line each, the most important first. */
  readonly lines: readonly string[]
  readonly notes: readonly string[]
  /** Bytes for structured answer and text together. */
  readonly byteBudget: number
  /** ISO instant of the answer. */
  readonly asOf: string
}

/** Bytes set aside for the text of a resource that is too large for it otherwise. */
const textReserve = 2048

/**
 * Lays one resource out with its text. JSON is never cut: a resource that does not fit is given in its smaller form where
 * there is one, else whole, and the text says which. Lines that do not fit are left to the structured answer.
 */
export function singleAnswer(single: Single): Answer {
  const { byteBudget } = single
  const fits = (one: AnyResource) => bytesOf(JSON.stringify(one)) + textReserve <= byteBudget
  const { resource, smaller } = single
  const structured = fits(resource) || smaller === undefined ? resource : smaller
  const notes = [...single.notes]
  if (structured !== resource) {
    notes.push('The whole resource is larger than the size limit of an answer; it is given pruned.')
  }
  if (!fits(structured)) {
    notes.push('This resource is larger than the size limit of an answer; it is given whole.')
  }
  const left = Math.max(textReserve, byteBudget - bytesOf(JSON.stringify(structured)))
  return { structured, text: textOf(single, notes, left) }
}

function textOf({ asked, asOf, lines }: Single, notes: readonly string[], most: number): string {
  const head = [asked, `as of ${asOf}`]
  const tail = notes.map((note) => `Note: ${note}`)
  const more = 'More is in the structured answer only.'
  let left = most - bytesOf([...head, ...tail, more].join('\n')) - 1
  const shown: string[] = []
  for (const line of lines) {
    left -= bytesOf(line) + 1
    if (left < 0) return [...head, ...shown, more, ...tail].join('\n')
    shown.push(line)
  }
  return [...head, ...shown, ...tail].join('\n')
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}
