import httpProxy from '@fastify/http-proxy'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  CallToolResultSchema,
  ListToolsRequestSchema,
  type ListToolsResult,
  ListToolsResultSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Client, type RequestOptions } from 'fhir-kit-client'
import { Pool } from 'undici'
import { z } from 'zod'
import { defineRole } from './role.ts'

/** An answer that the reference is to give: the whole JSON-RPC body, as ours gave it. */
const prepared = z.object({
  name: z.string(),
  body: z.string(),
})
/** Checked and left as JSON.parse made them: what zod makes anew is slower to turn into text. */
const callResult = z.custom<CallToolResult>((value) => CallToolResultSchema.safeParse(value).success)
const listResult = z.custom<ListToolsResult>((value) => ListToolsResultSchema.safeParse(value).success)
const rpcAnswer = z.object({ result: z.record(z.string(), z.unknown()) })
const fetchQuery = z.object({ path: z.string(), authorization: z.string().optional() })

/** One for all, as in ours: without it the reference would pay for a validator of its own with each request. */
const jsonSchemaValidator = new AjvJsonSchemaValidator()

/**
 * What ours is compared with, each a Fastify route: `/sdk/<name>`, the SDK's low-level server and stateless transport, made for
 * each request; `/bare/<name>`, the same bytes from a plain route; `/proxy/…`, the exchange through `@fastify/http-proxy`;
 * `/fetch?path=…`, an answer of the exchange by undici, parsed and made into text again; `/floor?path=…`, the SDK's server with a
 * tool that reads by fhir-kit-client and does nothing else: what no tool on these two libraries can go below.
 */
export const referenceRole = defineRole(
  z.object({ exchange: z.string(), connections: z.number() }),
  async ({ exchange, connections }) => {
    const bodies = new Map<string, Buffer>()
    const calls = new Map<string, CallToolResult>()
    const lists = new Map<string, ListToolsResult>()
    const app = Fastify({ keepAliveTimeout: 600_000 })

    app.post('/sdk/:name', async (request: FastifyRequest<{ Params: { name: string } }>, reply) => {
      const { name } = request.params
      reply.hijack()
      await answerBySdk(request, reply, () => {
        const server = new Server(
          { name: 'reference', version: '1.0.0' },
          { capabilities: { tools: {} }, jsonSchemaValidator },
        )
        const call = calls.get(name)
        const list = lists.get(name)
        if (call !== undefined) server.setRequestHandler(CallToolRequestSchema, async () => call)
        if (list !== undefined) server.setRequestHandler(ListToolsRequestSchema, async () => list)
        return server
      })
    })

    app.post('/bare/:name', async (request: FastifyRequest<{ Params: { name: string } }>, reply) =>
      reply.type('application/json').send(bodies.get(request.params.name)),
    )

    const base = new URL(exchange)
    await app.register(httpProxy, { upstream: base.origin, prefix: '/proxy', rewritePrefix: base.pathname })

    const pool = new Pool(base.origin, { connections })
    app.get('/fetch', async (request, reply) => {
      const { path, authorization } = fetchQuery.parse(request.query)
      const answered = await pool.request({
        path,
        method: 'GET',
        headers: authorization === undefined ? {} : { authorization },
      })
      const parsed: unknown = JSON.parse(await answered.body.text())
      return reply.type('application/json').send(JSON.stringify(parsed))
    })

    const client = new Client({ baseUrl: exchange })
    app.post('/floor', async (request, reply) => {
      const { path, authorization } = fetchQuery.parse(request.query)
      reply.hijack()
      await answerBySdk(request, reply, () => {
        const server = new Server(
          { name: 'reference', version: '1.0.0' },
          { capabilities: { tools: {} }, jsonSchemaValidator },
        )
        server.setRequestHandler(CallToolRequestSchema, async () => {
          const headers = authorization === undefined ? {} : { authorization }
          const settings: RequestOptions = { headers }
          const options = Object.assign(settings, { dispatcher: pool })
          const resource = await client.request(`${base.origin}${path}`, { options })
          return { content: [{ type: 'text', text: path }], structuredContent: { ...resource } }
        })
        return server
      })
    })

    return {
      facts: { origin: await app.listen({ port: 0, host: '127.0.0.1' }) },
      commands: {
        prepare: (given) => {
          const { name, body } = prepared.parse(given)
          const { result } = rpcAnswer.parse(JSON.parse(body))
          bodies.set(name, Buffer.from(body))
          if ('tools' in result) lists.set(name, listResult.parse(result))
          else calls.set(name, callResult.parse(result))
        },
      },
    }
  },
)

/** As ours does it: a server and a transport for one request, JSON in place of a stream. */
async function answerBySdk(
  request: FastifyRequest,
  reply: FastifyReply,
  createServer: () => Server,
): Promise<void> {
  const server = createServer()
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  reply.raw.once('close', () => void server.close())
  await server.connect(transport as Transport)
  await transport.handleRequest(request.raw, reply.raw, request.body)
}
