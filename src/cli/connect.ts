import { homedir } from 'node:os'
import { type FileClient, isFileClient, type Machine } from '../connect/client.ts'
import { clients } from '../connect/clients.ts'
import { httpConnection, stdioConnection } from '../connect/connection.ts'
import { mergeInto } from '../connect/merge.ts'
import { snippetOf } from '../connect/snippet.ts'
import { fhirMcpError } from '../errors.ts'
import type { Surroundings } from './surroundings.ts'

/** What `connect` is told. */
export interface ConnectArguments {
  /** The client that is to be set up. */
  readonly client: string | undefined
  /** The endpoint; by default that of FHIR_MCP_PUBLIC_URL, or of `serve` on this machine. */
  readonly url: string | undefined
  /** What the client calls this server. */
  readonly name: string | undefined
  /** Over stdio, with the variables that are set now, in place of HTTP. */
  readonly stdio: boolean
  /** For everybody in this folder, in place of this person everywhere. */
  readonly project: boolean
  readonly write: boolean
  readonly force: boolean
}

/**
 * `connect`: prints what a client has to be told, or merges it into the client's file. The JSON alone goes to stdout, what is to
 * be done with it to stderr. Throws CONFIG.
 */
export async function connect(
  given: ConnectArguments,
  { environment, stdout, stderr }: Pick<Surroundings, 'environment' | 'stdout' | 'stderr'>,
): Promise<void> {
  const client = clients.find(({ name }) => name === given.client)
  if (client === undefined) {
    throw wrong(`connect knows the clients ${clients.map(({ name }) => name).join(', ')}`)
  }
  const name = given.name ?? 'fhir'
  if (!/^[a-z0-9][\w-]{0,62}$/i.test(name)) {
    throw wrong('--name must be letters, digits, - and _, 63 at most')
  }
  if (given.stdio && given.url !== undefined) throw wrong('--stdio and --url exclude each other')
  const connection = given.stdio ? stdioConnection(environment) : httpConnection(given.url, environment)
  if (!isFileClient(client)) {
    if (given.write) throw wrong(`${client.title} has no file to write: leave --write out`)
    stdout.write(
      `${client
        .steps(connection)
        .map((step, n) => `${n + 1}. ${step}`)
        .join('\n')}\n`,
    )
    return
  }
  const { platform } = process
  const file = client.file(machineOf(environment), given.project ? 'project' : 'user')
  if (!given.write) {
    stdout.write(`${snippetOf(client, connection, name, platform)}\n`)
    stderr.write(`${hintOf(client, file)}\n`)
    return
  }
  if (file === undefined) {
    throw wrong(
      `${client.title} has no ${given.project ? 'file of a project' : 'file of its own'}: leave --write out`,
    )
  }
  const merged = await mergeInto(file, {
    member: client.member,
    name,
    entry: client.entry(connection, platform),
    force: given.force,
    private: !given.project,
    now: Date.now(),
  })
  if (merged.done === 'unchanged') return void stdout.write(`${file} has it already.\n`)
  const before = merged.done === 'changed' ? `As it was before: ${merged.backup}\n` : ''
  stdout.write(`${name} is in ${file}\n${before}${client.afterwards}\n`)
}

function hintOf({ title, afterwards, documentation }: FileClient, file: string | undefined): string {
  const where = file === undefined ? title : `${title}: ${file}, merged by --write`
  return `${where}. ${afterwards}\n${documentation}`
}

function machineOf(environment: Surroundings['environment']): Machine {
  const { platform } = process
  const home = (platform === 'win32' ? environment.USERPROFILE : environment.HOME) ?? homedir()
  return { platform, home, folder: process.cwd(), environment }
}

function wrong(what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
