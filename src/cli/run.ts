import { parseArgs } from 'node:util'
import { isFhirMcpError } from '../errors.ts'
import { implementation } from '../mcp/implementation.ts'
import type { AuditArguments } from './audit.ts'
import type { ConnectArguments } from './connect.ts'
import type { LoginMode } from './login.ts'
import type { Surroundings } from './surroundings.ts'

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
    const done = await runners[parsed.command](surroundings, parsed)
    return done === false ? exit.failed : exit.done
  } catch (thrown) {
    stderr.write(`fastify-fhir-mcp: ${reasonOf(thrown)}\n`)
    return exit.failed
  }
}

const commands = [
  'serve',
  'stdio',
  'login',
  'logout',
  'whoami',
  'broker-secrets',
  'check',
  'connect',
  'audit',
  'help',
] as const

interface Parsed {
  readonly command: (typeof commands)[number] | 'version'
  readonly host: string | undefined
  readonly port: string | undefined
  readonly mode: LoginMode
  readonly out: string | undefined
  readonly json: boolean
  readonly connect: ConnectArguments
  readonly audit: AuditArguments
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
        json: { type: 'boolean' },
        url: { type: 'string' },
        name: { type: 'string' },
        stdio: { type: 'boolean' },
        project: { type: 'boolean' },
        write: { type: 'boolean' },
        force: { type: 'boolean' },
        after: { type: 'string' },
        heads: { type: 'string' },
      },
    })
    const { help, version, host, port, device, out, 'no-browser': noBrowser } = values
    const [name, ...rest] = positionals
    const mode = device === true ? 'device' : noBrowser === true ? 'no-browser' : 'browser'
    const connect = connectArguments(name === 'audit' ? undefined : rest[0], values)
    const [what, ...files] = rest
    const audit = { what, files, after: values.after, heads: values.heads }
    const parsed = { host, port, mode, out, json: values.json === true, connect, audit } as const
    if (version === true) return { command: 'version', ...parsed }
    if (help === true || name === 'help') return { command: 'help', ...parsed }
    const command = commands.find((one) => one === name)
    if (command === undefined || !isTaken(command, rest)) return undefined
    if (command !== 'audit' && (audit.after !== undefined || audit.heads !== undefined)) return undefined
    if (command !== 'connect' && Object.values(connect).some((one) => one !== undefined && one !== false)) {
      return undefined
    }
    if (command !== 'check' && parsed.json) return undefined
    if (command !== 'serve' && (host !== undefined || port !== undefined)) return undefined
    if (command !== 'broker-secrets' && out !== undefined) return undefined
    if (command !== 'login' && mode !== 'browser') return undefined
    return device === true && noBrowser === true ? undefined : { command, ...parsed }
  } catch {
    return undefined
  }
}

/** Whether a command takes the words that come after it. */
function isTaken(command: Parsed['command'], rest: readonly string[]): boolean {
  if (command === 'audit') return rest[0] === 'verify' || rest[0] === 'heads'
  return rest.length <= (command === 'connect' ? 1 : 0)
}

/** The values of the options of `connect`. */
interface ConnectValues extends Partial<Record<'url' | 'name', string | undefined>> {
  readonly stdio?: boolean | undefined
  readonly project?: boolean | undefined
  readonly write?: boolean | undefined
  readonly force?: boolean | undefined
}

function connectArguments(client: string | undefined, values: ConnectValues): ConnectArguments {
  const { url, name, stdio = false, project = false, write = false, force = false } = values
  return { client, url, name, stdio, project, write, force }
}

/** False: it ran, and what it looked at is not as it should be. */
type Runner = (surroundings: Surroundings, parsed: Parsed) => Promise<boolean | undefined>

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
  async check(surroundings, { json }) {
    const { check } = await import('./check.ts')
    return check(json, surroundings)
  },
  async connect(surroundings, parsed) {
    const { connect } = await import('./connect.ts')
    await connect(parsed.connect, surroundings)
  },
  async audit(surroundings, parsed) {
    const { audit } = await import('./audit.ts')
    return audit(parsed.audit, surroundings)
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
 * code is said, such as ENOENT.
 */
function reasonOf(thrown: unknown): string {
  if (isFhirMcpError(thrown)) {
    const { code, message, detail, entry } = thrown
    return detail === undefined ? `${code}: ${message} ${entry.cure}` : `${code}: ${message}`
  }
  // Where a container's user has neither HOME nor a name, nobody knows where its files would be.
  if (isOfHomeFolder(thrown)) return 'this user has no home folder: set HOME to a folder that it may write to'
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''
  return `it failed ${code}`.trim()
}

function isOfHomeFolder(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'uv_os_homedir'
}
