import { parseArgs } from 'node:util'
import type { Environment } from '../config/env.ts'
import { isFhirMcpError } from '../errors.ts'
import { implementation } from '../mcp/implementation.ts'
import type { LoginMode } from './login.ts'
import type { StdioStreams } from './stdio.ts'
import type { OpenBrowser } from './token-source.ts'

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
  const { stderr } = surroundings
  const parsed = parse(argv)
  if (parsed === undefined) {
    stderr.write('fastify-fhir-mcp: no such command or option; see fastify-fhir-mcp --help\n')
    return exit.usage
  }
  try {
    await runners[parsed.command](surroundings, parsed)
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

type Runner = (surroundings: Surroundings, parsed: Parsed) => Promise<void>

/** Each loads what it needs and no more: a server is there sooner without the libraries of the login. */
const runners: Readonly<Record<Parsed['command'], Runner>> = {
  async version({ stdout }) {
    stdout.write(`${implementation.version}\n`)
  },
  async help({ stdout }) {
    const { helpText } = await import('./help.ts')
    stdout.write(helpText())
  },
  async login(surroundings, { mode }) {
    const { login } = await import('./login.ts')
    await login(mode, surroundings)
  },
  async logout(surroundings) {
    const { logout } = await import('./login.ts')
    await logout(surroundings.environment, surroundings)
  },
  async whoami(surroundings) {
    const { whoami } = await import('./whoami.ts')
    await whoami(surroundings.environment, surroundings)
  },
  async 'broker-secrets'({ stdout }, { out }) {
    const { brokerSecrets } = await import('./broker-secrets.ts')
    await brokerSecrets(out, stdout)
  },
  async serve({ environment, stderr, stopped }, given) {
    const { serve } = await import('./serve.ts')
    const app = await serve(environment, given, stderr)
    await stopped
    await app.close()
  },
  async stdio(surroundings) {
    const [{ readEnvironment }, { openSystemBrowser }, { serveOverStdio }] = await Promise.all([
      import('../config/env.ts'),
      import('../login/system-browser.ts'),
      import('./stdio.ts'),
    ])
    const { environment, stopped, openBrowser = openSystemBrowser } = surroundings
    const connection = serveOverStdio(readEnvironment(environment), surroundings, environment, openBrowser)
    void stopped.then(() => connection.close())
    await connection.ended
  },
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
