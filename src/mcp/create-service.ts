import { randomBytes } from 'node:crypto'
import { mayList, missingScopes } from '../access/decide.ts'
import type { Policy, Rule } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import { createRosterStore } from '../access/rosters.ts'
import type { Audit } from '../audit/record.ts'
import type { Options } from '../config.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { CredentialOf } from '../exchange/credentials/credentials.ts'
import type { ExchangeOpener } from '../exchange/exchange.ts'
import type { Identify } from '../identity/identify.ts'
import type { Answer } from '../results/answer.ts'
import { createCursors } from '../results/cursor.ts'
import { errorAnswer } from '../results/outcome.ts'
import type { ToolStanding } from '../tools/tool.ts'
import { type CallParts, checkArguments, doLocalWork, doWork } from './call.ts'
import { type ListedTool, listTool } from './listing.ts'
import { type AnyTool, isLocal, type Registry } from './registry.ts'
import type { Completion, McpService, ResourceContents, ToolRequest } from './service.ts'

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

/** Makes the product behind every transport. */
export function createService(parts: ServiceParts): McpService {
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

  async function run(tool: AnyTool, request: ToolRequest): Promise<Answer> {
    const { progress } = request
    const input = checkArguments(tool.input, request.arguments)
    if (isLocal(tool)) {
      const work = { kind: 'tool', name: tool.name, asker: request, progress } as const
      return doLocalWork(calls, { ...work, run: (context) => tool.run(input, context) })
    }
    const work = { kind: 'tool', rule: ruleOf(tool), asker: request, progress } as const
    return doWork(calls, {
      ...work,
      subject: () => tool.subject(input),
      run: (context) => tool.run(input, context),
    })
  }

  return {
    registry,
    identify: parts.identify,

    listTools: (principal) =>
      [...registry.tools.values()].filter((tool) => visible(tool, principal)).map(listedTool),

    missingScopes(principal, name) {
      const tool = registry.tools.get(name)
      return tool === undefined || !visible(tool, principal) ? undefined : lacking(tool, principal)
    },

    async callTool(request) {
      const tool = registry.tools.get(request.name)
      if (tool === undefined || !visible(tool, request.principal)) return undefined
      try {
        return await run(tool, request)
      } catch (thrown) {
        if (isFhirMcpError(thrown)) return errorAnswer(thrown)
        throw thrown
      }
    },

    async readResource(request): Promise<ResourceContents> {
      const match = registry.match(request.uri)
      if (match === undefined) throw fhirMcpError('FORBIDDEN')
      const { definition, variables } = match
      const head = { uri: request.uri, mimeType: definition.mimeType }
      if (isLocal(definition)) {
        const work = { kind: 'resource', name: definition.uri, asker: request, progress: undefined } as const
        const read = await doLocalWork(calls, {
          ...work,
          run: (context) => definition.read(variables, context),
        })
        return { ...head, text: read.text }
      }
      const { rule } = definition
      const work = { kind: 'resource', rule, asker: request, progress: undefined } as const
      const read = await doWork(calls, {
        ...work,
        subject: () => definition.subject(variables),
        run: (context) => definition.read(variables, context),
      })
      return { ...head, text: read.text }
    },

    async complete(request): Promise<Completion> {
      const definition = registry.resources.get(request.uri)
      if (definition?.complete === undefined) return { values: [], total: 0, hasMore: false }
      const { variable, value } = request
      if (isLocal(definition)) {
        const work = { kind: 'resource', name: definition.uri, asker: request, progress: undefined } as const
        const found = await doLocalWork(calls, {
          ...work,
          run: async (context) => (await definition.complete?.(variable, value, context)) ?? [],
        })
        return completionOf(found)
      }
      const { rule } = definition
      const work = { kind: 'resource', rule, asker: request, progress: undefined } as const
      const found = await doWork(calls, {
        ...work,
        subject: () => ({ kind: 'reach' }),
        run: async (context) => (await definition.complete?.(variable, value, context)) ?? [],
      })
      return completionOf(found)
    },

    ready: (signal) => opener.ready(signal),

    close: () => opener.close(),
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

function cursorKey(configured: string | undefined): Uint8Array {
  if (configured === undefined) return randomBytes(32)
  const key = Buffer.from(configured, 'base64url')
  if (key.length !== 32)
    throw fhirMcpError('CONFIG', { detail: 'results.cursorKey must be 32 bytes in base64url.' })
  return key
}

function ruleOf(tool: Exclude<AnyTool, { local: true }>): Rule {
  return { name: tool.name, ...tool.rule }
}

function completionOf(found: readonly string[]): Completion {
  return {
    values: found.slice(0, completionLimit),
    total: found.length,
    hasMore: found.length > completionLimit,
  }
}
