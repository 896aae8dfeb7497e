import { randomBytes } from 'node:crypto'
import { mayList, missingScopes } from '../access/decide.ts'
import type { Policy, Rule } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import { createRosterStore } from '../access/rosters.ts'
import type { Audit } from '../audit/record.ts'
import type { Options } from '../config/options.ts'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { CredentialOf } from '../exchange/credentials/credentials.ts'
import type { ExchangeOpener } from '../exchange/exchange.ts'
import type { Identify } from '../identity/identify.ts'
import { createTurns } from '../limits/turns.ts'
import type { Answer } from '../results/answer.ts'
import { createCursors } from '../results/cursor.ts'
import { errorAnswer } from '../results/outcome.ts'
import type { Subject, ToolStanding } from '../tools/tool.ts'
import { type CallParts, checkArguments, doLocalWork, doWork, noteRefusal } from './call.ts'
import { type ListedTool, listTool } from './listing.ts'
import { createReadNames, type ReadNames } from './names.ts'
import { type AnyTool, isLocal, type Registry, type ResourceBody } from './registry.ts'
import { saidInAnswer, saidInBody, saidInCompletion } from './said.ts'
import type { Completion, McpService, ResourceContents, ToolCall, ToolRequest } from './service.ts'

/** The parts that a service is made of. */
export interface ServiceParts {
  readonly options: Options
  readonly registry: Registry
  readonly identify: Identify
  readonly opener: ExchangeOpener
  readonly credentialOf: CredentialOf
  readonly audit: Audit
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const completionLimit = 100

/** The product, and what it says of names to a broker beside it. */
export interface NamingService extends McpService {
  readonly readNames: ReadNames
}

/** Makes the product behind every transport. */
export function createService(parts: ServiceParts): NamingService {
  const { options, registry, opener } = parts
  const calls = callParts(parts, standings)
  const listed = new Map<string, ListedTool>()

  const policy = (): Policy => ({ roles: options.access.roles, traits: opener.knownTraits() })

  function listedTool(tool: AnyTool): ListedTool {
    const known = listed.get(tool.name)
    if (known !== undefined) return known
    const made = listTool(tool)
    listed.set(tool.name, made)
    return made
  }

  function visible(tool: AnyTool, principal: Principal): boolean {
    return isLocal(tool) || mayList(ruleOf(tool), principal, policy())
  }

  function standings(principal: Principal): ToolStanding[] {
    return [...registry.tools.values()]
      .filter((tool) => visible(tool, principal))
      .map((tool) => ({ name: tool.name, missingScopes: lacking(tool, principal) ?? [] }))
  }

  function lacking(tool: AnyTool, principal: Principal): readonly string[] | undefined {
    return isLocal(tool) ? undefined : missingScopes(ruleOf(tool), principal, policy())?.scopes
  }

  /** Leaves the record of a call that is refused as it comes, with what it asked for as far as that can be seen. */
  function noteToolRefusal(request: ToolCall, error: FhirMcpError): void {
    const tool = registry.tools.get(request.name)
    // What nobody registered is a text of the caller's.
    const name = tool?.name ?? 'unknown'
    const given = tool === undefined ? [] : namesGiven(tool, request.arguments)
    noteRefusal(
      calls,
      { kind: 'tool', name, asker: request, given },
      subjectOf(tool, request.arguments),
      error,
    )
  }

  function checked<Input extends AnyTool['input']>(input: Input, request: ToolRequest) {
    try {
      return checkArguments(input, request.arguments)
    } catch (thrown) {
      if (isFhirMcpError(thrown)) noteToolRefusal(request, thrown)
      throw thrown
    }
  }

  async function run(tool: AnyTool, request: ToolRequest): Promise<Answer> {
    const { progress } = request
    const input = checked(tool.input, request)
    const head = {
      kind: 'tool',
      asker: request,
      progress,
      given: namesGiven(tool, request.arguments),
      saidIn: saidInAnswer,
    } as const
    if (isLocal(tool)) {
      const work = { ...head, name: tool.name }
      return doLocalWork(calls, { ...work, run: (context) => tool.run(input, context) })
    }
    const work = { ...head, rule: ruleOf(tool) }
    return doWork(calls, {
      ...work,
      subject: () => tool.subject(input),
      run: (context) => tool.run(input, context),
    })
  }

  return {
    registry,
    identify: parts.identify,
    readNames: createReadNames(calls),

    listTools: (principal) =>
      [...registry.tools.values()].filter((tool) => visible(tool, principal)).map(listedTool),

    missingScopes(principal, name) {
      const tool = registry.tools.get(name)
      return tool === undefined || !visible(tool, principal) ? undefined : lacking(tool, principal)
    },

    async callTool(request) {
      const tool = registry.tools.get(request.name)
      if (tool === undefined || !visible(tool, request.principal)) {
        noteToolRefusal(request, fhirMcpError('FORBIDDEN'))
        return undefined
      }
      try {
        return await run(tool, request)
      } catch (thrown) {
        if (isFhirMcpError(thrown)) return errorAnswer(thrown)
        throw thrown
      }
    },

    async readResource(request): Promise<ResourceContents> {
      const match = registry.match(request.uri)
      if (match === undefined) {
        const error = fhirMcpError('FORBIDDEN')
        noteRefusal(calls, { kind: 'resource', name: 'unknown', asker: request, given: [] }, undefined, error)
        throw error
      }
      const { definition, variables } = match
      const head = { uri: request.uri, mimeType: definition.mimeType }
      const reading = {
        kind: 'resource',
        asker: request,
        progress: undefined,
        given: Object.keys(variables),
        saidIn: saidInBody,
      } as const
      if (isLocal(definition)) {
        const work = { ...reading, name: definition.uri }
        const read = await doLocalWork(calls, {
          ...work,
          run: (context) => definition.read(variables, context),
        })
        return contentsOf(head, read)
      }
      const work = { ...reading, rule: definition.rule, name: definition.uri }
      const read = await doWork(calls, {
        ...work,
        subject: () => definition.subject(variables),
        run: (context) => definition.read(variables, context),
      })
      return contentsOf(head, read)
    },

    async complete(request): Promise<Completion> {
      const definition = registry.resources.get(request.uri)
      if (definition?.complete === undefined) return { values: [], total: 0, hasMore: false }
      const { variable, value } = request
      const completing = {
        kind: 'completion',
        asker: request,
        progress: undefined,
        given: [variable],
        saidIn: saidInCompletion,
      } as const
      if (isLocal(definition)) {
        return doLocalWork(calls, {
          ...completing,
          name: definition.uri,
          run: async (context) => completionOf((await definition.complete?.(variable, value, context)) ?? []),
        })
      }
      return doWork(calls, {
        ...completing,
        rule: definition.rule,
        name: definition.uri,
        subject: () => ({ kind: 'reach' }),
        run: async (context) => completionOf((await definition.complete?.(variable, value, context)) ?? []),
      })
    },

    ready: (signal) => opener.ready(signal),

    noteRefusal: noteToolRefusal,
    auditStatus: () => parts.audit.status(),

    async close() {
      await opener.close()
      await parts.audit.close()
    },
  }
}

function callParts(parts: ServiceParts, standings: CallParts['standings']): CallParts {
  const { options, opener, now } = parts
  const { access, results, fhir } = options
  return {
    opener,
    roles: access.roles,
    store: createRosterStore({
      seconds: access.rosterSeconds,
      limit: access.rosterLimit,
      size: access.rosterCacheSize,
      now,
    }),
    audit: parts.audit,
    standings,
    credentialOf: parts.credentialOf,
    turns: createTurns({ atOnce: shareOf(fhir.connections), waiting: Infinity, patience: Infinity }),
    context: {
      cursors: createCursors(cursorKey(results.cursorKey), now),
      byteBudget: results.byteBudget,
      now,
      settings: {
        rosterSeconds: access.rosterSeconds,
        deadline: results.deadline,
        concurrency: fhir.connections,
        baseUrl: opener.baseUrl,
      },
    },
  }
}

/** Connections that one principal may use: all but one, so that others always find one. */
function shareOf(connections: number): number {
  return Math.max(1, connections - 1)
}

function cursorKey(configured: string | undefined): Uint8Array {
  if (configured === undefined) return randomBytes(32)
  const key = Buffer.from(configured, 'base64url')
  if (key.length !== 32)
    throw fhirMcpError('CONFIG', { detail: 'results.cursorKey must be 32 bytes in base64url.' })
  return key
}

/** Names of arguments that the tool has; any other might hold a value. */
function namesGiven({ input }: AnyTool, given: unknown): string[] {
  if (typeof given !== 'object' || given === null) return []
  return Object.keys(given).filter((name) => Object.hasOwn(input.shape, name))
}

/** What a call asks for, where its arguments are such that it can be seen. */
function subjectOf(tool: AnyTool | undefined, given: unknown): Subject | undefined {
  if (tool === undefined || isLocal(tool)) return undefined
  try {
    return tool.subject(checkArguments(tool.input, given))
  } catch {
    return undefined
  }
}

function ruleOf(tool: Exclude<AnyTool, { local: true }>): Rule {
  return { name: tool.name, ...tool.rule }
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
