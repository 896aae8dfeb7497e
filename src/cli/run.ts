import { parseArgs } from 'node:util'
import { type Environment, readEnvironment } from '../config-env.ts'
import { isFhirMcpError } from '../errors.ts'
import { implementation } from '../mcp/implementation.ts'
import { helpText } from './help.ts'
import { serve } from './serve.ts'
import { type StdioStreams, serveOverStdio } from './stdio.ts'

/** What a command has of its process. */
export interface Surroundings extends StdioStreams {
  readonly environment: Environment
  /** Resolves when the process is asked to stop. */
  readonly stopped: Promise<void>
}

/** Exit codes: done, failed (a wrong setting, a port in use), wrong use. */
const exit = { done: 0, failed: 1, usage: 2 } as const

/** Runs a command to its end; resolves with the exit code. Failures are one line on stderr. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings
  const parsed = parse(argv)
  if (parsed === undefined) {
    stderr.write('fastify-fhir-mcp: no such command or option; see fastify-fhir-mcp --help\n')
    return exit.usage
  }
  const { command, host, port } = parsed
  try {
    if (command === 'version') stdout.write(`${implementation.version}\n`)
    else if (command === 'help') stdout.write(helpText())
    else if (command === 'stdio') await runStdio(surroundings)
    else await runServe(surroundings, { host, port })
    return exit.done
  } catch (thrown) {
    stderr.write(`fastify-fhir-mcp: ${reasonOf(thrown)}\n`)
    return exit.failed
  }
}

interface Parsed {
  readonly command: 'serve' | 'stdio' | 'help' | 'version'
  readonly host: string | undefined
  readonly port: string | undefined
}

function parse(argv: readonly string[]): Parsed | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        host: { type: 'string' },
        port: { type: 'string' },
      },
    })
    const [command, ...rest] = positionals
    const { host, port } = values
    if (values.version === true) return { command: 'version', host, port }
    if (values.help === true || command === 'help') return { command: 'help', host, port }
    if (rest.length > 0) return undefined
    if (command === 'serve') return { command, host, port }
    return command === 'stdio' && host === undefined && port === undefined
      ? { command, host, port }
      : undefined
  } catch {
    return undefined
  }
}

async function runServe(
  { environment, stderr, stopped }: Surroundings,
  given: Pick<Parsed, 'host' | 'port'>,
): Promise<void> {
  const app = await serve(readEnvironment(environment), given, stderr)
  await stopped
  await app.close()
}

async function runStdio(surroundings: Surroundings): Promise<void> {
  const { environment, stopped } = surroundings
  const connection = serveOverStdio(readEnvironment(environment), surroundings, environment)
  void stopped.then(() => connection.close())
  await connection.ended
}

/** Messages of the catalog say what is wrong; of anything else only its code, such as EADDRINUSE. */
function reasonOf(thrown: unknown): string {
  if (isFhirMcpError(thrown)) return `${thrown.code}: ${thrown.message} ${thrown.entry.cure}`
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''
  return `it failed to start ${code}`.trim()
}
