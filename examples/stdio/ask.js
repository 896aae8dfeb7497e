// @ts-check
// Starts a server of a client's set-up as a client does, and calls one tool: node ask.js FILE SERVER TOOL [JSON]
import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'

const [file = 'mcp.json', server = 'fhir', tool = 'get_my_access', given = '{}'] = process.argv.slice(2)
const { command, args, env } = JSON.parse(readFileSync(file, 'utf8')).mcpServers[server]

const client = new Client({ name: 'ask', version: '1.0.0' })
// The log of the server goes to this terminal; the sign-in opens the browser at the first call.
await client.connect(new StdioClientTransport({ command, args, env, stderr: 'inherit' }))
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) })
await client.close()

for (const block of /** @type {{ type: string, text?: string }[]} */ (result.content)) {
  console.log(block.text ?? `(${block.type})`)
}
process.exitCode = result.isError === true ? 1 : 0
