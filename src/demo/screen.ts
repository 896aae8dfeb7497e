import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const width = 100

/** Terminal colours, left out where they are not wanted (NO_COLOR) or not shown (a pipe). */
export function paint(style: Style, text: string): string {
  const plain = process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== ''
  return plain || !process.stdout.isTTY ? text : styleText(style, text)
}

/** One line, cut to the width of the page. */
export function clip(text: string, room: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= room ? line : `${line.slice(0, room - 1)}…`
}

/** Writes lines to the terminal. */
export function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** A heading with its explanation. */
export function heading(title: string, about: string): void {
  say('', `${paint('bold', title)}  ${paint('dim', about)}`)
}

/** Name and value, aligned. */
export function field(name: string, value: string): void {
  say(`  ${paint('dim', name.padEnd(11))}${value}`)
}

/** One call: what was asked, what came of it, what reached the exchange, and some lines of the answer. */
export function call(about: {
  readonly asked: string
  readonly allowed: boolean
  readonly asExpected: boolean
  readonly requests: number
  readonly lines: readonly string[]
}): void {
  const mark = about.allowed ? paint('green', '✓') : paint('yellow', '✗')
  const asked = clip(about.asked, width - 30)
  const reached = `${about.requests} ${about.requests === 1 ? 'request' : 'requests'}`
  const wrong = about.asExpected ? '' : paint('red', '  NOT AS EXPECTED')
  const gap = ' '.repeat(Math.max(2, width - 6 - asked.length - 12))
  say(`  ${mark} ${paint('bold', asked)}${gap}${paint('cyan', reached.padStart(12))}${wrong}`)
  for (const line of about.lines) say(`      ${paint('dim', clip(line, width - 6))}`)
}
