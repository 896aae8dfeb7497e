import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** The folder of the examples. */
export const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

/** A program of an example, as a process of its own, and everything that it writes. */
export interface Example {
  readonly code: Promise<number | null>
  output(): string
  /** Waits until the output holds this, and gives its first group (or the whole match). */
  shown(pattern: RegExp): Promise<string>
  kill(signal?: NodeJS.Signals): void
}

/** Starts a program of a folder with these variables and no others of ours; it is killed when the test is over. */
export function startExample(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
  cwd: string = examples,
): Example {
  const [program, ...rest] = argv
  const { PATH = '', XDG_STATE_HOME = '', NODE_OPTIONS = '' } = process.env
  const surroundings = { PATH, XDG_STATE_HOME, NODE_OPTIONS }
  const child = spawn(program, rest, {
    cwd,
    env: { ...surroundings, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let ended = false
  const code = once(child, 'close').then(([exit]) => {
    ended = true
    child.emit('more')
    return typeof exit === 'number' ? exit : null
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      child.emit('more')
    })
  }
  return {
    code,
    output: () => output,
    async shown(pattern) {
      for (;;) {
        const found = pattern.exec(output)
        if (found !== null) return found[1] ?? found[0]
        if (ended) throw new Error(`${argv.join(' ')} ended without it: ${output}`)
        await once(child, 'more')
      }
    },
    kill: (signal = 'SIGTERM') => void child.kill(signal),
  }
}

/** Starts a gateway of an example on a free port; resolves with its origin once it listens. */
export async function startGatewayOf(
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<Example & { readonly origin: string }> {
  const gateway = startExample([process.execPath, path], { PORT: '0', ...env })
  const origin = await gateway.shown(/Server listening at (http:\/\/127\.0\.0\.1:\d+)/)
  return { ...gateway, origin }
}

/** Runs a program to its end. */
export async function finishedExample(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
  cwd: string = examples,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const example = startExample(argv, env, cwd)
  return { code: await example.code, output: example.output() }
}

/** What the README of an example shows, and what a program wrote, without what is new each time. */
export function readmeOf(folder: string): string {
  return steady(readFileSync(join(examples, folder, 'README.md'), 'utf8'))
}

/** A text without instants and ports. */
export function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>')
    .replace(/(127\.0\.0\.1):\d+/g, '$1:<port>')
    .trim()
}
