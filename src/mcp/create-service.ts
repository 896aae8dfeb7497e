import { randomBytes } from 'node:crypto'
import { mayList, missingScopes } from '../access/decide.ts'
import type { Policy } from '../access/narrowing.ts'
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
import type { Meter } from '../telemetry/meter.ts'
import { meteredRosters } from '../telemetry/metered-rosters.ts'
import type { Subject, ToolStanding } from '../tools/tool.ts'
import { type CallParts, checkArguments, doLocalWork, doWork, noteRefusal } from './call.ts'
import { type ListedTool, listTool } from './listing.ts'
import { createReadNames, type ReadNames } from './names.ts'
import { type AnyTool, isLocal, type Registry } from './registry.ts'
import { createResourceService } from './resource-service.ts'
import { ruleOf, ruleOfCall, scopesToCall } from './rule-of.ts'
import { saidInAnswer } from './said.ts'
import type { McpService, ToolCall, ToolRequest } from './service.ts'

/** The parts that a service is made of. */
export interface ServiceParts {
  readonly options: Options
  readonly registry: Registry
  readonly identify: Identify
  readonly opener: ExchangeOpener
  readonly credentialOf: CredentialOf
  readonly audit: Audit
  readonly meter: Meter | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

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
    return isLocal(tool) ? undefined : scopesToCall(tool, principal, policy())
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
    const work = {
      ...head,
      given: tool.recorded?.(input, head.given) ?? head.given,
      rule: ruleOfCall(tool, input),
    }
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

    missingScopes(principal, name, given) {
      const tool = registry.tools.get(name)
      if (tool === undefined || isLocal(tool) || !visible(tool, principal)) return undefined
      if (tool.needsOf === undefined) return lacking(tool, principal)
      const input = tool.input.safeParse(given ?? {})
      // Arguments that cannot be read are refused as such when the call is made.
      if (!input.success) return undefined
      return missingScopes(ruleOfCall(tool, input.data), principal, policy())?.scopes
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

    ...createResourceService(calls, registry),
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
  const store = createRosterStore({
    seconds: access.rosterSeconds,
    limit: access.rosterLimit,
    size: access.rosterCacheSize,
    now,
  })
  return {
    opener,
    roles: access.roles,
    store: meteredRosters(store, parts.meter),
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
