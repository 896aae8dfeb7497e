import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { helpText } from '../../src/cli/help.ts'
import { brokerVariables, commandVariables, optionVariables } from '../../src/config/env.ts'
import { type Block, blocksOf, root, textOf } from './markdown.ts'

const shells = new Set(['sh', 'bash', 'shell', 'console', 'indented'])
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** The commands of the help, each with its options. */
const commands = new Map(
  [...helpText().matchAll(/^ {2}([a-z][a-z-]*)(.*)$/gm)].map(([, name = '', rest = '']) => [
    name,
    new Set(rest.match(/--[a-z-]+/g) ?? []),
  ]),
)

/** Names in a shell's blocks and in inline code that are no command, option or script of ours. */
export function unknownCommands(document: string, text: string = textOf(document)): string[] {
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  const lines = [...blocksOf(document, text).filter(isShell).flatMap(linesOf), ...inline]
  return lines.flatMap((line) => [...unknownOfOurs(line), ...unknownScripts(line)])
}

function isShell({ language }: Block): boolean {
  return shells.has(language)
}

/** Lines without comments; what a backslash continues is one line. */
function linesOf({ text }: Block): string[] {
  const lines = text.replace(/\\\n/g, ' ').split('\n')
  return lines.map((line) => line.replace(/(^|\s)#.*$/, ''))
}

function unknownOfOurs(line: string): string[] {
  const called = /(?:npx (?:-y )?|\.bin\/|^(?:\$ )?|-- (?:npx -y )?)fastify-fhir-mcp((?: +[^\s;&|)`'"]+)+)/g
  return [...line.matchAll(called)].flatMap(([, rest = '']) => {
    const [name = '', ...words] = rest.trim().split(/ +/)
    if (/^(--help|--version|-h|-v)$/.test(name) || /^[A-Z<…]/.test(name)) return []
    const options = commands.get(name)
    if (options === undefined) return [`fastify-fhir-mcp ${name}`]
    const given = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? '')
    return given.filter((option) => !options.has(option)).map((option) => `${name} ${option}`)
  })
}

function unknownScripts(line: string): string[] {
  const named = [...line.matchAll(/\bnpm run (?:--silent |-s )?([\w:-]+)/g)].map(([, name = '']) => name)
  return named.filter((name) => !Object.hasOwn(scripts, name)).map((name) => `npm run ${name}`)
}

const known = new Set([
  ...[...optionVariables, ...brokerVariables].map(({ name }) => name),
  ...Object.keys(commandVariables),
])
/** Error codes begin like variables. */
const isCode = (name: string) => textOf('docs/errors.md').includes(`## ${name}\n`)

/** Variables in a text that the package does not have. */
export function unknownVariables(text: string): string[] {
  const names = new Set(text.match(/\bFHIR_MCP_[A-Z0-9_]*[A-Z0-9]\b(?!\*)/g) ?? [])
  return [...names].filter(
    (name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')) && !isCode(name),
  )
}
