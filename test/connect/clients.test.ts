import { describe, expect, it } from 'vitest'
import { brokerVariables, commandVariables, optionVariables } from '../../src/config/env.ts'
import { holdsSecret, isSecretVariable } from '../../src/config/secrets.ts'
import { chatgpt } from '../../src/connect/chatgpt.ts'
import { isFileClient, type Machine } from '../../src/connect/client.ts'
import { clients } from '../../src/connect/clients.ts'
import { commandEntry } from '../../src/connect/command.ts'
import { mcpRemote } from '../../src/connect/mcp-remote.ts'
import { http, stdio } from './samples.ts'

const machines: readonly Machine[] = [
  { platform: 'darwin', home: '/Users/ada', folder: '/work', environment: {} },
  {
    platform: 'linux',
    home: '/home/ada',
    folder: '/work',
    environment: { XDG_CONFIG_HOME: '/home/ada/settings' },
  },
  { platform: 'win32', home: 'C:\\Users\\ada', folder: 'C:\\work', environment: {} },
]

describe('the files of clients', () => {
  it('are where each platform keeps them', () => {
    const paths = clients
      .filter(isFileClient)
      .map(({ name, file }) => [name, ...machines.map((machine) => file(machine, 'user'))])
    expect(paths).toEqual([
      [
        'claude-desktop',
        '/Users/ada/Library/Application Support/Claude/claude_desktop_config.json',
        '/home/ada/settings/Claude/claude_desktop_config.json',
        'C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
      ],
      ['claude-code', '/Users/ada/.claude.json', '/home/ada/.claude.json', 'C:\\Users\\ada\\.claude.json'],
      [
        'vscode',
        '/Users/ada/Library/Application Support/Code/User/mcp.json',
        '/home/ada/settings/Code/User/mcp.json',
        'C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json',
      ],
      [
        'cursor',
        '/Users/ada/.cursor/mcp.json',
        '/home/ada/.cursor/mcp.json',
        'C:\\Users\\ada\\.cursor\\mcp.json',
      ],
      [
        'gemini-cli',
        '/Users/ada/.gemini/settings.json',
        '/home/ada/.gemini/settings.json',
        'C:\\Users\\ada\\.gemini\\settings.json',
      ],
      ['mcp-remote', undefined, undefined, undefined],
    ])
  })
})

describe('what clients are told', () => {
  it('starts npx by a shell on Windows', () => {
    expect(commandEntry(stdio, 'win32')).toMatchObject({
      command: 'cmd',
      args: ['/c', 'npx', '-y', 'fastify-fhir-mcp', 'stdio'],
    })
    expect(commandEntry(stdio, 'darwin')).toMatchObject({
      command: 'npx',
      args: ['-y', 'fastify-fhir-mcp', 'stdio'],
    })
  })

  it('refuses what a client cannot do', () => {
    expect(() => chatgpt.steps(stdio)).toThrow('leave --stdio out')
    expect(() => chatgpt.steps({ transport: 'http', url: 'http://127.0.0.1:8765/mcp' })).toThrow(
      'public https URL',
    )
    expect(() => mcpRemote.entry(stdio, 'linux')).toThrow('leave --stdio out')
    expect(chatgpt.steps(http)).toContain('MCP server URL: https://mcp.example.org/mcp')
  })
})

describe('variables that hold secrets', () => {
  it('are these', () => {
    const names = [...optionVariables, ...brokerVariables].map(({ name }) => name)
    const secrets = [...names, ...Object.keys(commandVariables)].filter(isSecretVariable)
    expect(secrets).toEqual([
      'FHIR_MCP_FHIR_CLIENT_SECRET',
      'FHIR_MCP_FHIR_CLIENT_KEY',
      'FHIR_MCP_AUTH_INTROSPECTION_CLIENT_SECRET',
      'FHIR_MCP_RESULTS_CURSOR_KEY',
      'FHIR_MCP_AUDIT_LOG_KEY',
      'FHIR_MCP_AUDIT_CHAIN_KEY',
      'FHIR_MCP_AUDIT_FHIR_TOKEN',
      'FHIR_MCP_AUDIT_FHIR_CLIENT_SECRET',
      'FHIR_MCP_AUDIT_FHIR_CLIENT_KEY',
      'FHIR_MCP_LIMITS_REDIS',
      'FHIR_MCP_BROKER_UPSTREAM_CLIENT_SECRET',
      'FHIR_MCP_BROKER_CLAIMS_INTROSPECTION_CLIENT_SECRET',
      'FHIR_MCP_BROKER_STORAGE_REDIS',
      'FHIR_MCP_BROKER_KEYS',
      'FHIR_MCP_BROKER_COOKIE_SECRETS',
      'FHIR_MCP_BROKER_ENCRYPTION_KEY',
      'FHIR_MCP_PAGE_CLIENT_SECRET',
      'FHIR_MCP_ACCESS_TOKEN',
      'FHIR_MCP_ID_TOKEN',
      'FHIR_MCP_LOGIN_CLIENT_SECRET',
    ])
    expect(holdsSecret('FHIR_MCP_FHIR_BASE_URL', 'https://ada:secret@exchange.example.org')).toBe(true)
    expect(holdsSecret('FHIR_MCP_FHIR_BASE_URL', 'https://exchange.example.org')).toBe(false)
  })
})
