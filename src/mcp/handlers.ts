import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import type { ContentBlock } from '../results/answer.ts'
import { errorAnswer } from '../results/outcome.ts'
import type { Bearer } from './bearers.ts'
import type { ListedTool } from './listing.ts'
import type { AnyResourceDefinition, PromptMessage } from './registry.ts'
import { dataMark, type ToolResult, toolResult } from './result.ts'
import { RpcError, rpcCodes, rpcErrorBody } from './rpc-error.ts'
import type { McpService, Progress, ResourceContents } from './service.ts'

/** What a transport knows of one MCP request. */
export interface HandlerContext {
  /** Who asks. It may have to look (stdio), and throws FhirMcpError when the token does not hold any more. */
  readonly bearer: () => Bearer | Promise<Bearer>
  /** Ends when the client has gone or cancelled. */
  readonly signal: AbortSignal
  readonly progress?: Progress | undefined
}

interface Listed {
  name: string
  title: string
  description: string
}
type ListedResource = Listed & { uri: string; mimeType: string }
type ListedTemplate = Listed & { uriTemplate: string; mimeType: string }
type ListedPrompt = Listed & { arguments: { name: string; description: string; required: boolean }[] }

/** A prompt as `prompts/get` returns it, in both protocol eras. */
export interface PromptResult {
  readonly description: string
  readonly messages: readonly { readonly role: PromptMessage['role']; readonly content: ContentBlock }[]
}

interface ReferenceToComplete {
  readonly type: string
  readonly uri?: string | undefined
  readonly name?: string | undefined
}

/** What MCP asks of a server, whatever SDK and transport it came by. Every method throws RpcError and nothing else. */
export interface Handlers {
  listTools(context: HandlerContext): Promise<{ tools: ListedTool[] }>
  callTool(
    params: { readonly name: string; readonly arguments?: unknown },
    context: HandlerContext,
  ): Promise<ToolResult>
  listResources(): { resources: ListedResource[] }
  listTemplates(): { resourceTemplates: ListedTemplate[] }
  readResource(
    params: { readonly uri: string },
    context: HandlerContext,
  ): Promise<{ contents: ResourceContents[] }>
  listPrompts(): { prompts: ListedPrompt[] }
  getPrompt(params: {
    readonly name: string
    readonly arguments?: Readonly<Record<string, string>> | undefined
  }): PromptResult
  complete(
    params: {
      readonly ref: ReferenceToComplete
      readonly argument: { readonly name: string; readonly value: string }
    },
    context: HandlerContext,
  ): Promise<{ completion: { values: string[]; total: number; hasMore: boolean } }>
}

/** Answers MCP requests from a service. `report` gets what is a fault of ours, for the log. */
export function createHandlers(service: McpService, report: (thrown: unknown) => void): Handlers {
  const { registry } = service

  function failure(thrown: unknown, { signal }: HandlerContext): RpcError {
    const expected = isFhirMcpError(thrown) || thrown instanceof RpcError || signal.aborted
    if (!expected) report(thrown)
    return new RpcError(rpcErrorBody(thrown))
  }

  async function guarded<T>(context: HandlerContext, run: (bearer: Bearer) => Promise<T> | T): Promise<T> {
    try {
      return await run(await context.bearer())
    } catch (thrown) {
      throw failure(thrown, context)
    }
  }

  /** The variable of a resource that is to be completed; a prompt's argument may have the values of one. */
  function completedBy({ uri, name = '' }: ReferenceToComplete, argument: string) {
    if (uri !== undefined) return { uri, variable: argument }
    return registry.prompts.get(name)?.arguments.find((one) => one.name === argument)?.completedBy
  }

  return {
    listTools: (context) =>
      guarded(context, ({ principal }) => ({ tools: [...service.listTools(principal)] })),

    async callTool({ name, arguments: given = {} }, context) {
      try {
        const { signal, progress } = context
        const request = { ...(await context.bearer()), name, arguments: given, signal }
        const answer = await service.callTool(progress === undefined ? request : { ...request, progress })
        if (answer === undefined)
          throw new RpcError({ code: rpcCodes.invalidParams, message: 'Unknown tool' })
        return toolResult(answer)
      } catch (thrown) {
        if (isFhirMcpError(thrown)) return toolResult(errorAnswer(thrown))
        throw failure(thrown, context)
      }
    },

    listResources: () => ({
      resources: [...registry.resources.values()].filter(isFixed).map((resource) => ({
        uri: resource.uri,
        ...headOf(resource),
        mimeType: resource.mimeType,
      })),
    }),

    listTemplates: () => ({
      resourceTemplates: [...registry.resources.values()]
        .filter((resource) => !isFixed(resource))
        .map((resource) => ({
          uriTemplate: resource.uri,
          ...headOf(resource),
          mimeType: resource.mimeType,
        })),
    }),

    readResource: ({ uri }, context) =>
      guarded(context, async (bearer) => {
        try {
          const contents = await service.readResource({ ...bearer, uri, signal: context.signal })
          return { contents: [{ ...contents, _meta: dataMark }] }
        } catch (thrown) {
          throw isFhirMcpError(thrown, 'FORBIDDEN') ? notFound(thrown, uri) : thrown
        }
      }),

    listPrompts: () => ({
      prompts: [...registry.prompts.values()].map((prompt) => ({
        ...headOf(prompt),
        arguments: prompt.arguments.map(({ name, description, required }) => ({
          name,
          description,
          required,
        })),
      })),
    }),

    getPrompt(params) {
      const prompt = registry.prompts.get(params.name)
      if (prompt === undefined)
        throw new RpcError({ code: rpcCodes.invalidParams, message: 'Unknown prompt' })
      const values = params.arguments ?? {}
      const missing = prompt.arguments.filter(({ name, required }) => required && values[name] === undefined)
      if (missing.length > 0) {
        const names = missing.map(({ name }) => name).join(', ')
        throw new RpcError({ code: rpcCodes.invalidParams, message: `Arguments are missing: ${names}` })
      }
      try {
        return { description: prompt.description, messages: prompt.get(values).map(messageOf) }
      } catch (thrown) {
        if (!isFhirMcpError(thrown)) report(thrown)
        throw new RpcError(rpcErrorBody(thrown))
      }
    },

    async complete({ ref, argument }, context) {
      const completed = completedBy(ref, argument.name)
      if (completed === undefined) return { completion: { values: [], total: 0, hasMore: false } }
      return guarded(context, async (bearer) => {
        const { signal } = context
        const asked = { ...completed, value: argument.value }
        const { values, total, hasMore } = await service.complete({ ...bearer, ...asked, signal })
        return { completion: { values: [...values], total, hasMore } }
      })
    },
  }
}

function isFixed({ uri }: AnyResourceDefinition): boolean {
  return !UriTemplate.isTemplate(uri)
}

/** A resource that is not there (MCP 2026-07-28, resources, error handling): the error says which one was asked for. */
function notFound(error: FhirMcpError, uri: string): RpcError {
  const body = rpcErrorBody(error)
  return new RpcError({ ...body, data: { ...body.data, uri } })
}

function messageOf(message: PromptMessage): PromptResult['messages'][number] {
  const content = 'content' in message ? message.content : { type: 'text', text: message.text }
  return { role: message.role, content }
}

function headOf({ name, title, description }: Listed): Listed {
  return { name, title, description }
}
