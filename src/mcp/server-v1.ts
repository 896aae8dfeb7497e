import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import { bearerOf } from './bearers.ts'
import { markDigits } from './exact-numbers.ts'
import { wordFormErrors } from './form-errors.ts'
import type { HandlerContext, Handlers } from './handlers.ts'
import { implementation } from './implementation.ts'
import { instructions } from './instructions.ts'
import { progressTo } from './progress.ts'

/** One for all: a validator of its own is most of what a Server costs to make. */
const jsonSchemaValidator = new AjvJsonSchemaValidator()

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

/**
 * A low-level server for protocol 2024-10-07 to 2025-11-25, for one HTTP request or one SSE connection: a Server must not
 * be shared between connections. Each message has to carry a bearer handle as its `authInfo`.
 */
export function createServerV1(handlers: Handlers): Server {
  const capabilities = { tools: {}, resources: {}, prompts: {}, completions: {} }
  const server = new Server(implementation, { capabilities, instructions, jsonSchemaValidator })
  const connect = server.connect.bind(server)
  server.connect = (transport) => {
    wordFormErrors(transport)
    return connect(transport)
  }
  server.setRequestHandler(ListToolsRequestSchema, (_, extra) => handlers.listTools(contextOf(extra)))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => ({
    ...markDigits(await handlers.callTool(params, contextOf(extra))),
  }))
  server.setRequestHandler(ListResourcesRequestSchema, () => handlers.listResources())
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => handlers.listTemplates())
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }, extra) =>
    handlers.readResource(params, contextOf(extra)),
  )
  server.setRequestHandler(ListPromptsRequestSchema, () => handlers.listPrompts())
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({ ...handlers.getPrompt(params) }))
  server.setRequestHandler(CompleteRequestSchema, ({ params }, extra) =>
    handlers.complete(params, contextOf(extra)),
  )
  return server
}

function contextOf({ authInfo, signal, _meta, sendNotification }: Extra): HandlerContext {
  const progress = progressTo(_meta?.progressToken, sendNotification)
  return { bearer: () => bearerOf(authInfo), signal, progress }
}
