import type { Observation } from '../fhir/types.ts'
import { quoted, word } from './quoted.ts'

/** What an observation is about in place of its subject, in few words: `"fetus"`, `another Patient`. */
export function focusText({ focus, subject }: Pick<Observation, 'focus' | 'subject'>): string {
  const others = (focus ?? []).filter(
    ({ reference }) => reference === undefined || reference !== subject?.reference,
  )
  const words = others.slice(0, 3).map(({ reference, type, display }) => {
    const named = reference?.split('/')[0] ?? type
    if (reference === undefined && display !== undefined) return quoted(display, 80)
    return named === undefined || named.startsWith('#') ? 'something else' : `another ${word(named)}`
  })
  const rest = others.length - words.length
  return words.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
