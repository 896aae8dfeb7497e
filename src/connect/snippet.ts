import type { Connection, FileClient } from './client.ts'

/** What a file of a client has to hold, as JSON with two spaces. */
export function snippetOf(
  client: FileClient,
  connection: Connection,
  name: string,
  platform: NodeJS.Platform,
): string {
  return JSON.stringify({ [client.member]: { [name]: client.entry(connection, platform) } }, undefined, 2)
}
