import type { Client, Connection, FileClient, Machine } from '../connect/client.ts'
import { isFileClient } from '../connect/client.ts'
import { clients } from '../connect/clients.ts'
import { snippetOf } from '../connect/snippet.ts'
import { isFhirMcpError } from '../errors.ts'

/** How one client is set up. */
export interface SetUp {
  readonly title: string
  /** What to do, step by step, with the text to copy for it. */
  readonly steps: readonly SetUpStep[]
  /** The client's own page on it. */
  readonly documentation: string
}

export interface SetUpStep {
  readonly about: string
  readonly text?: string
}

/** Under which name clients know the server. */
const serverName = 'fhir'
/** Nobody knows where the page is read: places are as most people have them, and Windows is said where it differs. */
const machine: Machine = { platform: 'linux', home: '~', folder: '.', environment: {} }

/** How each client is told of the MCP endpoint at this URL. */
export function setUpsFor(mcpUrl: string): SetUp[] {
  const connection: Connection = { transport: 'http', url: mcpUrl }
  return clients.map((client) => ({
    title: client.title,
    documentation: client.documentation,
    steps: isFileClient(client) ? fileSteps(client, connection) : manualSteps(client, connection),
  }))
}

function fileSteps(client: FileClient, connection: Connection): SetUpStep[] {
  const text = snippetOf(client, connection, serverName, 'linux')
  const onWindows = snippetOf(client, connection, serverName, 'win32')
  return [
    { about: placeOf(client), text },
    ...(onWindows === text ? [] : [{ about: 'On Windows, in its place:', text: onWindows }]),
    { about: client.afterwards },
  ]
}

function placeOf(client: FileClient): string {
  const file = client.file(machine, 'project') ?? client.file(machine, 'user')
  if (file === undefined) return 'In the configuration of your client:'
  // Folders of settings are elsewhere on each system.
  return client.file(machine, 'project') === undefined ? `In ${file.split('/').at(-1)}:` : `In ${file}:`
}

/** A client that cannot come here says why. */
function manualSteps(client: Exclude<Client, FileClient>, connection: Connection): SetUpStep[] {
  try {
    return client.steps(connection).map((about) => ({ about }))
  } catch (thrown) {
    if (!isFhirMcpError(thrown)) throw thrown
    return [
      {
        about:
          'It connects from the internet, so it needs a server at a public https address; this one has none.',
      },
    ]
  }
}
