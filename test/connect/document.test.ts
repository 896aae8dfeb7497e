import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chatgpt } from '../../src/connect/chatgpt.ts'
import { isFileClient, type Machine } from '../../src/connect/client.ts'
import { clients } from '../../src/connect/clients.ts'
import { mcpRemote } from '../../src/connect/mcp-remote.ts'
import { snippetOf } from '../../src/connect/snippet.ts'
import { http, stdio } from './samples.ts'

const page = readFileSync(new URL('../../docs/connect.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```json\n(.*?)\n```$/gms)].map((match) => match[1] ?? '')
const files = clients.filter(isFileClient)

const machine = (platform: NodeJS.Platform): Machine => ({
  platform,
  home: platform === 'win32' ? '%USERPROFILE%' : '~',
  folder: '.',
  environment: platform === 'win32' ? { APPDATA: '%APPDATA%' } : {},
})

describe('docs/connect.md', () => {
  it('has what connect prints for each client, over HTTP and stdio, and no other JSON', () => {
    const printed = [
      ...files.map((client) => snippetOf(client, http, 'fhir', 'linux')),
      ...files
        .filter((client) => client !== mcpRemote)
        .map((client) => snippetOf(client, stdio, 'fhir', 'linux')),
      snippetOf(mcpRemote, http, 'fhir', 'win32'),
    ]
    expect(blocks.toSorted()).toEqual(printed.toSorted())
  })

  it('says of each client where its file is on each platform, and which page of its own it goes by', () => {
    for (const client of clients) {
      expect(page).toContain(`## ${client.title}`)
      expect(page).toContain(client.documentation)
      if (!isFileClient(client)) continue
      for (const platform of ['darwin', 'linux', 'win32'] as const) {
        const path = client.file(machine(platform), 'user')
        if (path !== undefined) expect(page).toContain(`\`${path}\``)
      }
      const inProject = client.file(machine('linux'), 'project')
      if (inProject !== undefined) expect(page).toContain(`\`${inProject}\``)
    }
    for (const step of chatgpt.steps(http)) expect(page).toContain(step)
  })
})
