import { withoutUnseen } from '../unseen.ts'
import { type Html, html } from './html.ts'

/** Longest that a name may be on a page, in code points. */
export const longestName = 80

const longestRead = 4096
/** What breaks lines or looks like nothing. */
const blanks = /[\s\p{Z}\u2800]+/gu
const controls = /\p{Cc}/gu
/** Marks that are heaped on one letter until they cover the lines around it. */
const heap = /(\p{M}{4})\p{M}+/gu
const drawn = /[\p{L}\p{N}\p{P}\p{S}]/u

/** A text of others as it may be shown, and what was done to it. */
export interface ForeignText {
  readonly text: string
  readonly shortened: boolean
  readonly cleaned: boolean
}

/**
 * Makes a text of others fit to be shown: on one line, at most `longest` code points, and nothing in it that is not
 * drawn or that turns the direction of what stands around it (Unicode Technical Report 36, §2). Undefined where nothing
 * is left to see.
 */
export function foreignText(text: string, longest = longestName): ForeignText | undefined {
  const line = text.slice(0, longestRead).replace(blanks, ' ').trim()
  const visible = withoutUnseen(line).replace(controls, '').replace(heap, '$1').trim()
  if (!drawn.test(visible)) return undefined
  const points = [...visible]
  return {
    text: points.slice(0, longest).join('').trim(),
    shortened: points.length > longest || text.length > longestRead,
    cleaned: visible !== line,
  }
}

/** A text of others as markup, apart from the direction of the text around it and marked where it was changed. */
export function foreign(text: string | undefined, longest?: number): Html | undefined {
  const shown = text === undefined ? undefined : foreignText(text, longest)
  if (shown === undefined) return undefined
  const marks = [
    shown.shortened ? 'shortened' : undefined,
    shown.cleaned ? 'hidden characters left out' : undefined,
  ]
  const note = marks.filter((mark) => mark !== undefined).join(', ')
  return html`<bdi>${shown.text}${shown.shortened ? '…' : undefined}</bdi>${note === '' ? undefined : html` <small>(${note})</small>`}`
}
