/**
 * What has to become one space: breaks and control characters, and what nobody sees but an assistant reads (tags, controls of
 * direction, invisible operators). A space by itself, which is most of them, is left as it is.
 */
const breaks =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go
  /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u{e0000}-\u{e007f}\s]{2,}|[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u{e0000}-\u{e007f}]|[^\S ]/gu

/**
 * A text of the exchange as part of one line: line breaks and control characters become spaces, so that a title cannot
 * pass for another row, and what is beyond `most` characters is cut with an ellipsis.
 */
export function oneLine(text: string, most = 200): string {
  const line = text.replace(breaks, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1).trimEnd()}…` : line
}

/** A row of text: what is there, in order, between bars, in one line whatever the parts hold. */
export function barred(parts: readonly (string | undefined)[]): string {
  const there = parts.filter((part) => part !== undefined && part !== '')
  return `- ${there.join(' | ').replace(breaks, ' ')}`
}

/** Ids in words, at most twenty of them, so that a note stays short. */
export function someOf(ids: readonly string[], most = 20): string {
  const rest = ids.length - most
  return ids.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
