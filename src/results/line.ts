import { withoutUnseen } from '../unseen.ts'

/** What has to become one space: breaks and control characters. A space by itself, which is most of them, is left as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go
const breaks = /[\u0000-\u001f\u007f-\u009f\s]{2,}|[\u0000-\u001f\u007f-\u009f]|[^\S ]/gu

/**
 * A text of the exchange as part of one line: line breaks and control characters become spaces, so that a title cannot
 * pass for another row, what nobody sees is left out, and what is beyond `most` characters is cut with an ellipsis.
 */
export function oneLine(text: string, most = 200): string {
  const line = withoutUnseen(text).replace(breaks, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1).trimEnd()}…` : line
}

/** A row of text: what is there, in order, between bars, in one line whatever the parts hold. */
export function barred(parts: readonly (string | undefined)[]): string {
  const there = parts.filter((part) => part !== undefined && part !== '')
  return `- ${withoutUnseen(there.join(' | ')).replace(breaks, ' ')}`
}

/** Ids in words, at most twenty of them, so that a note stays short. */
export function someOf(ids: readonly string[], most = 20): string {
  const rest = ids.length - most
  return ids.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
