import { PassThrough } from 'node:stream'
import { run } from '../../src/cli/run.ts'
import type { TestClient } from './test-client.ts'

/** The `stdio` command in this process, and the client's ends of its pipes. */
export interface StdioCommand {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  /** Closes its input and waits for the command to end. */
  end(): Promise<void>
}

/** Runs the `stdio` command in this process, so that nock plays its exchange. What it writes to stderr goes to `lines`. */
export function startStdio(environment: Record<string, string>, lines: string[] = []): StdioCommand {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stderr.on('data', (chunk: Buffer) => void lines.push(chunk.toString()))
  const ended = run(['stdio'], { stdin, stdout, stderr, environment, stopped: new Promise(() => undefined) })
  return {
    stdin,
    stdout,
    async end() {
      stdin.end()
      await ended
    },
  }
}

/** The same client; closing it ends the command too. */
export function ending(client: TestClient, command: StdioCommand): TestClient {
  return {
    ...client,
    async close() {
      await client.close()
      await command.end()
    },
  }
}
