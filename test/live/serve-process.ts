import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** `serve` of the built package as a process of its own. */
export interface ServeProcess {
  readonly port: number
  /** Everything that it wrote so far. */
  output(): string
  /** Sends the signal, and waits until it is gone; its exit code, or the signal that ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | null>
}

/** Starts one, which listens when this resolves. */
export async function startServe(
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [program, 'serve', '--port', String(port)], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = once(child, 'exit')
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  while (!output.includes('Server listening')) {
    if (child.exitCode !== null) throw new Error(output)
    await Promise.race([once(child.stderr, 'data'), gone])
  }
  return {
    port,
    output: () => output,
    async end(signal) {
      child.kill(signal)
      const [code, by] = await gone
      return code ?? by
    },
  }
}
