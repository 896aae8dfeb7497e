/** A table in Markdown; what would end a cell or be taken for markup is written so that it is read as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

function cell(text: string): string {
  const line = text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
  return line
    .split('`')
    .map((part, n) => (n % 2 === 1 ? part : part.replaceAll('<', '\\<')))
    .join('`')
}

/** Code within a line. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

/** Says where a page comes from. */
export function generated(from: string): string {
  return `<!-- Written by \`npm run docs\` from ${from}. Change it there. -->`
}

/** A block of code; its fence is longer than any within. */
export function fenced(language: string, text: string): string {
  const fences = text.match(/`{3,}/g) ?? []
  const fence = '`'.repeat(Math.max(3, ...fences.map(({ length }) => length + 1)))
  return `${fence}${language}\n${text}\n${fence}`
}
