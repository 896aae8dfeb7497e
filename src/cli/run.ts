import { parseArgs } from 'node:util'
import { type Environment, readEnvironment } from '../config-env.ts'
import { isFhirMcpError } from '../errors.ts'
import { openSystemBrowser } from '../login/system-browser.ts'
import { implementation } from '../mcp/implementation.ts'
import { brokerSecrets } from './broker-secrets.ts'
import { helpText } from './help.ts'
import { type LoginMode, login, logout } from './login.ts'
import { serve } from './serve.ts'
import { type StdioStreams, serveOverStdio } from './stdio.ts'
import type { OpenBrowser } from './token-source.ts'
import { whoami } from './whoami.ts'

/** What a command has of its process. */
export interface Surroundings extends StdioStreams {
  readonly environment: Environment
  /** Resolves when the process is asked to stop. */
  readonly stopped: Promise<void>
  /** Opens an address in the person's browser; by default the one of the system. */
  readonly openBrowser?: OpenBrowser
}

/** Exit codes: done, failed (a wrong setting, a port in use), wrong use. */
const exit = { done: 0, failed: 1, usage: 2 } as const

/** Runs a command to its end; resolves with the exit code. Failures are one line on stderr. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, environment } = surroundings
  const parsed = parse(argv)
  if (parsed === undefined) {
    stderr.write('fastify-fhir-mcp: no such command or option; see fastify-fhir-mcp --help\n')
    return exit.usage
  }
  const { command, host, port, mode, out } = parsed
  try {
    if (command === 'version') stdout.write(`${implementation.version}\n`)
    else if (command === 'help') stdout.write(helpText())
    else if (command === 'login') await login(mode, surroundings)
    else if (command === 'logout') await logout(environment, surroundings)
    else if (command === 'whoami') await whoami(environment, surroundings)
    else if (command === 'broker-secrets') await brokerSecrets(out, stdout)
    else if (command === 'stdio') await runStdio(surroundings)
    else await runServe(surroundings, { host, port })
    return exit.done
  } catch (thrown) {
    stderr.write(`fastify-fhir-mcp: ${reasonOf(thrown)}\n`)
    return exit.failed
  }
}

const commands = ['serve', 'stdio', 'login', 'logout', 'whoami', 'broker-secrets', 'help'] as const

interface Parsed {
  readonly command: (typeof commands)[number] | 'version'
  readonly host: string | undefined
  readonly port: string | undefined
  readonly mode: LoginMode
  readonly out: string | undefined
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
        'no-browser': { type: 'boolean' },
        device: { type: 'boolean' },
        out: { type: 'string' },
      },
    })
    const { help, version, host, port, device, out, 'no-browser': noBrowser } = values
    const [name, ...rest] = positionals
    const mode = device === true ? 'device' : noBrowser === true ? 'no-browser' : 'browser'
    const parsed = { host, port, mode, out } as const
    if (version === true) return { command: 'version', ...parsed }
    if (help === true || name === 'help') return { command: 'help', ...parsed }
    const command = commands.find((one) => one === name)
    if (rest.length > 0 || command === undefined) return undefined
    if (command !== 'serve' && (host !== undefined || port !== undefined)) return undefined
    if (command !== 'broker-secrets' && out !== undefined) return undefined
    if (command !== 'login' && mode !== 'browser') return undefined
    return device === true && noBrowser === true ? undefined : { command, ...parsed }
  } catch {
    return undefined
  }
}

async function runServe(
  { environment, stderr, stopped }: Surroundings,
  given: Pick<Parsed, 'host' | 'port'>,
): Promise<void> {
  const app = await serve(environment, given, stderr)
  await stopped
  await app.close()
}

async function runStdio(surroundings: Surroundings): Promise<void> {
  const { environment, stopped, openBrowser = openSystemBrowser } = surroundings
  const connection = serveOverStdio(readEnvironment(environment), surroundings, environment, openBrowser)
  void stopped.then(() => connection.close())
  await connection.ended
}

/**
 * Messages of the catalog say what is wrong, and without a detail of their own how it is cured; of anything else only its
 * code is said, such as EADDRINUSE.
 */
function reasonOf(thrown: unknown): string {
  if (isFhirMcpError(thrown)) {
    const { code, message, detail, entry } = thrown
    return detail === undefined ? `${code}: ${message} ${entry.cure}` : `${code}: ${message}`
  }
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''
  return `it failed ${code}`.trim()
}
