import { isCallToolResult, isSpecType, Server, type ServerContext } from '@modelcontextprotocol/server'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import { markDigits } from './exact-numbers.ts'
import { wordFormErrors } from './form-errors.ts'
import type { HandlerContext, Handlers } from './handlers.ts'
import { implementation } from './implementation.ts'
import { instructions } from './instructions.ts'
import { progressTo } from './progress.ts'
import { RpcError, rpcCodes } from './rpc-error.ts'

/** One for all, as with the older SDK. */
const jsonSchemaValidator = new AjvJsonSchemaValidator()

/** What is listed depends on the caller's permissions, so it may be kept for a minute and by that caller alone. */
const listHint = { ttlMs: 60_000, cacheScope: 'private' } as const
const cacheHints = {
  'tools/list': listHint,
  'resources/list': listHint,
  'resources/templates/list': listHint,
  'prompts/list': listHint,
} as const

/**
 * A low-level server of the SDK that speaks 2026-07-28 (and, over stdio, the older eras too), for one HTTP request or one
 * stdio connection. `bearer` says who asks, at each request anew.
 */
export function createServerV2(
  handlers: Handlers,
  bearer: (signal: AbortSignal) => ReturnType<HandlerContext['bearer']>,
): Server {
  const capabilities = { tools: {}, resources: {}, prompts: {}, completions: {} }
  const server = new Server(implementation, { capabilities, instructions, jsonSchemaValidator, cacheHints })
  const connect = server.connect.bind(server)
  server.connect = (transport) => {
    wordFormErrors(transport)
    return connect(transport)
  }
  const contextOf = ({ mcpReq }: ServerContext): HandlerContext => {
    const progress = progressTo(mcpReq._meta?.progressToken, (notification) => mcpReq.notify(notification))
    return { bearer: () => bearer(mcpReq.signal), signal: mcpReq.signal, progress }
  }
  server.setRequestHandler('tools/list', (_, context) => handlers.listTools(contextOf(context)))
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const result: unknown = markDigits(await handlers.callTool(params, contextOf(context)))
    if (!isCallToolResult(result)) throw new RpcError({ code: rpcCodes.internal, message: 'Internal error' })
    return result
  })
  server.setRequestHandler('resources/list', () => handlers.listResources())
  server.setRequestHandler('resources/templates/list', () => handlers.listTemplates())
  server.setRequestHandler('resources/read', ({ params }, context) =>
    handlers.readResource(params, contextOf(context)),
  )
  server.setRequestHandler('prompts/list', () => handlers.listPrompts())
  server.setRequestHandler('prompts/get', ({ params }) => {
    const result: unknown = handlers.getPrompt(params)
    if (!isSpecType.GetPromptResult(result))
      throw new RpcError({ code: rpcCodes.internal, message: 'Internal error' })
    return result
  })
  server.setRequestHandler('completion/complete', ({ params }, context) =>
    handlers.complete(params, contextOf(context)),
  )
  return server
}
