import { chatgpt } from './chatgpt.ts'
import { claudeCode } from './claude-code.ts'
import { claudeDesktop } from './claude-desktop.ts'
import type { Client } from './client.ts'
import { cursor } from './cursor.ts'
import { geminiCli } from './gemini-cli.ts'
import { mcpRemote } from './mcp-remote.ts'
import { vscode } from './vscode.ts'

/** The clients that this package can describe. */
export const clients: readonly Client[] = [
  claudeDesktop,
  claudeCode,
  vscode,
  cursor,
  chatgpt,
  geminiCli,
  mcpRemote,
]
