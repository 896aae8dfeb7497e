import type { LeftOut } from '../fhir/people/left-out.ts'
import type { Note } from './outcome.ts'

/** What resources lost on their way out, in words; undefined where nothing. */
export function leftOutText(leftOut: LeftOut | undefined): string | undefined {
  const { references = 0, contained = 0, attachments = 0, characters = 0 } = leftOut ?? {}
  const texts = [
    ...(references === 0
      ? []
      : [`References to other people than this call may name: ${references} masked.`]),
    ...(contained === 0
      ? []
      : [`Contained resources that are such people, or theirs: ${contained} left out.`]),
    ...(attachments === 0 ? [] : [`Contents of attachments: ${attachments} left out.`]),
    ...(characters === 0 ? [] : [`Control characters, which FHIR forbids: ${characters} removed.`]),
  ]
  return texts.length === 0 ? undefined : texts.join(' ')
}

/** The same as a note of a searchset. */
export function leftOutNotes(leftOut: LeftOut | undefined): Note[] {
  const text = leftOutText(leftOut)
  return text === undefined ? [] : [{ severity: 'information', code: 'suppressed', text }]
}
