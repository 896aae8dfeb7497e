/** What is connected to: an endpoint, or the command of this package with its variables. */
export type Connection =
  | { readonly transport: 'http'; readonly url: string }
  | { readonly transport: 'stdio'; readonly env: Readonly<Record<string, string>> }

/** The machine that a client runs on. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** The person's home folder. */
  readonly home: string
  /** The folder of a project. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** For whom a configuration is: for one person everywhere, or for everybody who works in a folder. */
export type Scope = 'user' | 'project'

/** One server, as a client's file has it. */
export type Entry = Readonly<Record<string, unknown>>

/** A client whose configuration is a JSON file. */
export interface FileClient {
  readonly name: string
  readonly title: string
  /** The client's own page on it. */
  readonly documentation: string
  /** The member of the file that holds the servers by name. */
  readonly member: 'mcpServers' | 'servers'
  /** Where the file is; undefined where the client has none of that scope. */
  file(machine: Machine, scope: Scope): string | undefined
  entry(connection: Connection, platform: NodeJS.Platform): Entry
  /** What is to be done afterwards, in one sentence. */
  readonly afterwards: string
}

/** A client that is set up by hand. */
export interface ManualClient {
  readonly name: string
  readonly title: string
  readonly documentation: string
  /** What to do, step by step. Throws CONFIG for a connection that the client cannot make. */
  steps(connection: Connection): readonly string[]
}

export type Client = FileClient | ManualClient

/** Whether a client has a file of its own. */
export function isFileClient(client: Client): client is FileClient {
  return 'member' in client
}
