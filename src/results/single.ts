import type { LeftOut } from '../fhir/people/left-out.ts'
import type { AnyResource } from '../fhir/types.ts'
import type { Answer } from './answer.ts'
import { leftOutText } from './left-out.ts'
import { jsonBytes, resourceWithin } from './within-bytes.ts'

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
  /** What the resource lost on its way out of the exchange. */
  readonly leftOut?: LeftOut | undefined
  /** Bytes for structured answer and text together. */
  readonly byteBudget: number
  /** ISO instant of the answer. */
  readonly asOf: string
}

/** Bytes set aside for the text of a resource that is too large for it otherwise. */
const textReserve = 2048
/** Bytes for what is said of the arguments beside the answer. */
const spare = 512

/**
 * Lays one resource out with its text, both within the byte budget. JSON is never cut: a resource that does not fit is given in
 * its smaller form where there is one, else without what is too large of it, and the text says which. Lines that do not fit
 * are left to the structured answer.
 */
export function singleAnswer(single: Single): Answer {
  const { resource, smaller } = single
  const byteBudget = single.byteBudget - spare
  const given = notesWithin([...single.notes, ...[leftOutText(single.leftOut) ?? []].flat()], byteBudget / 4)
  const reserve = Math.max(textReserve, bytesOf(headOf(single, given).join('\n')) + textReserve / 2)
  const most = byteBudget - reserve
  const fits = (one: AnyResource) => jsonBytes(one) <= most
  const pruned = fits(resource) || smaller === undefined ? resource : smaller
  const structured = resourceWithin(pruned, most)
  const notes = [
    ...given,
    ...(pruned === resource
      ? []
      : ['The whole resource is larger than the size limit of an answer; it is given pruned.']),
    ...(structured === pruned
      ? []
      : ['This answer is larger than the size limit of an answer: what is too large of it is left out.']),
  ]
  return { structured, text: textOf(single, notes, byteBudget - jsonBytes(structured)) }
}

/** The first notes that fit, and how many do not. */
function notesWithin(notes: readonly string[], bytes: number): string[] {
  let left = bytes
  const cut = notes.findIndex((note) => {
    left -= bytesOf(note) + 8
    return left < 0
  })
  if (cut === -1) return [...notes]
  return [...notes.slice(0, cut), `${notes.length - cut} more notes are left out for size.`]
}

function headOf({ asked, asOf }: Single, notes: readonly string[]): string[] {
  return [asked, `as of ${asOf}`, ...notes.map((note) => `Note: ${note}`)]
}

function textOf(single: Single, notes: readonly string[], most: number): string {
  const [asked = '', asOf = '', ...tail] = headOf(single, notes)
  const head = [asked, asOf]
  const more = 'More is in the structured answer only.'
  let left = most - bytesOf([...head, ...tail, more].join('\n')) - 1
  const shown: string[] = []
  for (const line of single.lines) {
    left -= bytesOf(line) + 1
    if (left < 0) return [...head, ...shown, more, ...tail].join('\n')
    shown.push(line)
  }
  return [...head, ...shown, ...tail].join('\n')
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}
