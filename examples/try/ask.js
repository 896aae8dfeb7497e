// @ts-check
// Calls one tool: node ask.js TOOL [JSON]. The token and the address come from the environment.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [tool = 'get_my_access', given = '{}'] = process.argv.slice(2)
const { MCP_URL = 'http://127.0.0.1:8765/mcp', FHIR_MCP_ACCESS_TOKEN = '' } = process.env

const headers = { Authorization: `Bearer ${FHIR_MCP_ACCESS_TOKEN}` }
const client = new Client({ name: 'ask', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(new URL(MCP_URL), { requestInit: { headers } }))
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) })
await client.close()

for (const block of /** @type {{ type: string, text?: string }[]} */ (result.content)) {
  console.log(block.text ?? `(${block.type})`)
}
process.exitCode = result.isError === true ? 1 : 0
