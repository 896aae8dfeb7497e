const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes a text for HTML: for content, and for attribute values in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Markup that was made by `html` and is safe to put into more of it. A text is not, so it cannot be taken for one. */
export class Html {
  readonly #markup: string

  constructor(strings: TemplateStringsArray, values: readonly HtmlValue[]) {
    this.#markup = strings.reduce((markup, string, index) => markup + render(values[index - 1]) + string)
  }

  toString(): string {
    return this.#markup
  }
}

/** What may stand in an `html` template: texts are escaped, markup is kept, undefined is nothing. */
export type HtmlValue = string | Html | readonly Html[] | undefined

/**
 * Template tag for markup. Every text that is put in is escaped; attribute values must be in quotes.
 *
 * @example
 * html`<p title="${title}">${text}</p>`
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings, values)
}

function render(value: HtmlValue): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return escapeHtml(value)
  return value instanceof Html ? value.toString() : value.join('')
}
