import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import Fastify from 'fastify'

/** The least that speaks MCP over Fastify with the same SDK: what `serve` is compared with at its start. */
const app = Fastify({ logger: { level: 'info', stream: process.stderr } })
app.post('/mcp', async (request, reply) => {
  reply.hijack()
  const server = new Server({ name: 'lean', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler(CallToolRequestSchema, async () => ({ content: [{ type: 'text', text: 'lean' }] }))
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport as Transport)
  await transport.handleRequest(request.raw, reply.raw, request.body)
})
await app.listen({ port: 0, host: '127.0.0.1' })
