import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse as parseToml } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { type Block, blocksOf, documents, root } from './markdown.ts'
import { compile, startWorkshop } from './workshop.ts'

const blocks = documents().flatMap((document) => blocksOf(document))
const inLanguage = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))

/** Programs of other servers; test/claims-document.test.ts runs them. */
const elsewhere = (block: Block) =>
  block.document === 'docs/claims.md' && !block.text.includes('fastify-fhir-mcp')

/** A file of its own for each snippet, as a module; one whose first line names a file is that file. */
function written(folder: string, { document, language, text, at }: Block): void {
  const [, name] = /^\/\/ ([\w-]+(?:\.test)?\.[jt]s)\n/.exec(text) ?? []
  const within = join(folder, document.replaceAll(/\W/g, '-'))
  mkdirSync(within, { recursive: true })
  const file = name ?? `line-${at.split(':')[1]}.${language}`
  writeFileSync(join(within, file), `${text}\nexport {}\n`)
}

/** One value, or one a line as a log has them. */
function valuesIn(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
}

/** What a shell says of the grammar of a program, which it does not run. */
async function inShellsGrammar(text: string): Promise<string> {
  const read = promisify(execFile)('sh', ['-n', '-c', text])
  return read.then(
    ({ stderr }) => stderr,
    (failed: Error) => failed.message,
  )
}

describe('the snippets of the documents', () => {
  it('compile, and so do the examples; what is wrong is found', async () => {
    const folder = startWorkshop()
    const programs = inLanguage('js', 'ts').filter((block) => !elsewhere(block))
    expect(programs.length).toBeGreaterThan(5)
    for (const block of programs) written(folder, block)
    const wrong = 'await app.register(fhirMcp, { ...options, path: 1 })\nawait app.register(broker, {})\n'
    written(folder, { at: 'control:1', document: 'control', language: 'js', text: wrong })
    const complaints = await compile(folder, [join(root, 'examples'), join(root, 'scripts/docs')])
    const ofControl = complaints.filter((line) => line.startsWith('control/line-1.js'))
    expect(complaints.filter((line) => !ofControl.includes(line))).toEqual([])
    expect(ofControl.map((line) => /\((\d+),/.exec(line)?.[1])).toEqual(['1', '2'])
  })

  it.each([
    ['json', valuesIn],
    ['yaml', (text: string): unknown => parseYaml(text)],
    ['toml', (text: string): unknown => parseToml(text)],
  ] as const)('%s can be read', (language, read) => {
    for (const { text, at } of inLanguage(language)) expect(() => read(text), at).not.toThrow()
  })

  it('what is for a shell is of its grammar', async () => {
    const shells = inLanguage('sh', 'bash', 'shell')
    expect(shells.length).toBeGreaterThan(10)
    for (const { text, at } of shells) expect(await inShellsGrammar(text), at).toBe('')
    // The control: a quote that is not closed.
    expect(await inShellsGrammar("echo 'no")).not.toBe('')
  })

  it('the control: what is not JSON, YAML or TOML is found', () => {
    expect(() => valuesIn('{ "a": … }')).toThrow()
    expect(valuesIn('{}\n{}')).toEqual([{}, {}])
    expect(() => parseYaml('a: [')).toThrow()
    expect(() => parseToml('a = ')).toThrow()
  })
})
