import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The built command. */
export const bin = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** A command that runs as a process of its own, and everything that it writes. */
export interface Command {
  readonly code: Promise<number>
  output(): string
  /** Waits until the output holds this, and gives its first group. */
  shown(pattern: RegExp): Promise<string>
  kill(): void
}

/** Starts the built command with these variables alone. */
export function startCommand(argv: readonly string[], env: Readonly<Record<string, string>>): Command {
  const child = spawn(process.execPath, [bin, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let ended = false
  const code = once(child, 'close').then(([exit]) => {
    ended = true
    child.emit('more')
    return Number(exit)
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
        const found = pattern.exec(output)?.[1]
        if (found !== undefined) return found
        if (ended) throw new Error(`the command ended without it: ${output}`)
        await once(child, 'more')
      }
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
