import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** One line of a Dockerfile: `COPY --from=build a b` has the word COPY, the flag from, and the rest as its text. */
export interface Instruction {
  readonly word: string
  readonly flags: Readonly<Record<string, string>>
  readonly text: string
}

export interface Stage {
  readonly image: string
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

export const root = new URL('../../', import.meta.url)

/** The stages of the project's Dockerfile, first to last. */
export function stages(text = readFileSync(new URL('Dockerfile', root), 'utf8')): Stage[] {
  const found: { image: string; name: string | undefined; instructions: Instruction[] }[] = []
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  for (const line of lines) {
    const instruction = instructionOf(line)
    if (instruction.word === 'FROM') {
      const [image = '', , name] = instruction.text.split(/\s+/)
      found.push({ image, name, instructions: [] })
    } else {
      found.at(-1)?.instructions.push(instruction)
    }
  }
  return found
}

function instructionOf(line: string): Instruction {
  const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? []
  const flags: Record<string, string> = {}
  const text = rest.replace(/^(--\S+\s+)+/, (given) => {
    for (const [, name = '', value = ''] of given.matchAll(/--([\w-]+)=(\S+)/g)) flags[name] = value
    return ''
  })
  return { word, flags, text }
}

/** The last instruction with this word: that is the one that counts. */
export function last({ instructions }: Stage, word: string): Instruction {
  const found = instructions.findLast((instruction) => instruction.word === word)
  if (found === undefined) throw new Error(`no ${word}`)
  return found
}

/** What an exec form says: `["node", "a.js"]`. */
export function words({ text }: Instruction): string[] {
  return z.array(z.string()).parse(JSON.parse(text.replace(/^CMD\s+/, '')))
}

/** The variables of ENV or LABEL, `a=b c="d e"`. */
export function pairs({ instructions }: Stage, word: 'ENV' | 'LABEL'): Record<string, string> {
  const texts = instructions.filter((instruction) => instruction.word === word).map(({ text }) => text)
  const all = texts.flatMap((text) => [...text.matchAll(/([\w.]+)=("[^"]*"|\S+)/g)])
  return Object.fromEntries(all.map(([, name = '', value = '']) => [name, value.replace(/^"(.*)"$/, '$1')]))
}

/** What .dockerignore lets into the build: the names after `!`, where all else is left out. */
export function sent(): string[] {
  const lines = readFileSync(new URL('.dockerignore', root), 'utf8').split('\n')
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (rules[0] !== '*') throw new Error('.dockerignore has to leave everything out first')
  return rules.slice(1).map((rule) => rule.replace(/^!/, ''))
}
