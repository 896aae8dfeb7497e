import { fhirMcpError } from '../errors.ts'
import type { GrantedContext, Subject, ToolContext } from '../tools/tool.ts'
import { type CallParts, doLocalWork, doWork, keepRefusal } from './call.ts'
import { isLocal, type Registry, type ResourceBody } from './registry.ts'
import { saidInBody, saidInCompletion } from './said.ts'
import type {
  Completion,
  CompletionRequest,
  McpService,
  ResourceContents,
  ResourceRequest,
} from './service.ts'

const completionLimit = 100

type ResourceService = Pick<
  McpService,
  'readResource' | 'complete' | 'keepRefusedRead' | 'keepRefusedCompletion'
>

/** Resources as MCP reads and completes them: decided, done and recorded like calls of tools. */
export function createResourceService(calls: CallParts, registry: Registry): ResourceService {
  return {
    async readResource(request): Promise<ResourceContents> {
      const match = registry.match(request.uri)
      if (match === undefined) {
        const error = fhirMcpError('FORBIDDEN')
        await keepRefusal(calls, readHead(registry, request), undefined, error)
        throw error
      }
      const { definition, variables } = match
      const head = { ...readHead(registry, request), progress: undefined, saidIn: saidInBody }
      const read = isLocal(definition)
        ? await doLocalWork(calls, { ...head, run: (context) => definition.read(variables, context) })
        : await doWork(calls, {
            ...head,
            rule: definition.rule,
            subject: () => definition.subject(variables),
            run: (context) => definition.read(variables, context),
          })
      return contentsOf({ uri: request.uri, mimeType: definition.mimeType }, read)
    },

    async complete(request): Promise<Completion> {
      const definition = registry.resources.get(request.uri)
      if (definition?.complete === undefined) return { values: [], total: 0, hasMore: false }
      const head = { ...completionHead(registry, request), progress: undefined, saidIn: saidInCompletion }
      if (isLocal(definition)) {
        return doLocalWork(calls, {
          ...head,
          run: async (context) => completionOf(await completed(definition, request, context)),
        })
      }
      return doWork(calls, {
        ...head,
        rule: definition.rule,
        subject: () => ({ kind: 'reach' }),
        run: async (context) => completionOf(await completed(definition, request, context)),
      })
    },

    keepRefusedRead: (request, error) =>
      keepRefusal(calls, readHead(registry, request), subjectOf(registry, request), error),

    keepRefusedCompletion: (request, error) =>
      keepRefusal(calls, completionHead(registry, request), undefined, error),
  }
}

/** What the audit calls a read resource: by its template, since the URI holds ids. */
function readHead(registry: Registry, request: ResourceRequest) {
  const match = registry.match(request.uri)
  const name = match?.definition.uri ?? 'unknown'
  return { kind: 'resource', name, asker: request, given: Object.keys(match?.variables ?? {}) } as const
}

function completionHead(registry: Registry, request: CompletionRequest) {
  // What nobody registered is a text of the caller's.
  const definition = registry.resources.get(request.uri)
  const given = definition?.uri.includes(`{${request.variable}}`) ? [request.variable] : []
  return { kind: 'completion', name: definition?.uri ?? 'unknown', asker: request, given } as const
}

/** What a read asks for, where its URI is such that it can be seen. */
function subjectOf(registry: Registry, { uri }: ResourceRequest): Subject | undefined {
  const match = registry.match(uri)
  if (match === undefined || isLocal(match.definition)) return undefined
  try {
    return match.definition.subject(match.variables)
  } catch {
    return undefined
  }
}

async function completed<Context extends ToolContext | GrantedContext>(
  definition: Completing<Context>,
  { variable, value }: CompletionRequest,
  context: Context,
): Promise<readonly string[]> {
  return (await definition.complete?.(variable, value, context)) ?? []
}

interface Completing<Context> {
  complete?(variable: string, value: string, context: Context): Promise<readonly string[]>
}

/** What the definition gave, without members that MCP has no place for. */
function contentsOf(head: Pick<ResourceContents, 'uri' | 'mimeType'>, body: ResourceBody): ResourceContents {
  return 'blob' in body ? { ...head, blob: body.blob } : { ...head, text: body.text }
}

function completionOf(found: readonly string[]): Completion {
  return {
    values: found.slice(0, completionLimit),
    total: found.length,
    hasMore: found.length > completionLimit,
  }
}
