import { randomBytes } from 'node:crypto'
import { openDecision } from '../access/decide.ts'
import type { Principal } from '../access/principal.ts'
import { createRosterStore } from '../access/rosters.ts'
import type { Audit } from '../audit/record.ts'
import type { Options } from '../config/options.ts'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import { createBytesInFlight } from '../exchange/bytes-in-flight.ts'
import type { CredentialOf } from '../exchange/credentials/credentials.ts'
import type { ExchangeOpener } from '../exchange/exchange.ts'
import type { Identify } from '../identity/identify.ts'
import { refusedPerson } from '../identity/refused-person.ts'
import { createTurns } from '../limits/turns.ts'
import type { Answer } from '../results/answer.ts'
import { createCursors } from '../results/cursor.ts'
import { withEmptyArguments } from '../results/empty-arguments.ts'
import { errorAnswer } from '../results/outcome.ts'
import type { Meter } from '../telemetry/meter.ts'
import { meteredRosters } from '../telemetry/metered-rosters.ts'
import type { Subject, ToolStanding } from '../tools/tool.ts'
import { policyOf } from './access.ts'
import { type CallParts, doLocalWork, doWork, keepRefusal } from './call.ts'
import { cureOf } from './cure.ts'
import { type ListedTool, listTool } from './listing.ts'
import { createReadNames, type ReadNames } from './names.ts'
import { withPatientHint } from './patient-hint.ts'
import { createPreparedCalls, type PreparedCall } from './prepared.ts'
import { type AnyTool, isLocal, type Registry } from './registry.ts'
import { createResourceService } from './resource-service.ts'
import { ruleOf, scopesToCall } from './rule-of.ts'
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
  const { registry, opener } = parts
  const calls = callParts(parts, standings)
  const listed = new Map<string, ListedTool>()

  const policy = () => policyOf(calls)
  const prepared = createPreparedCalls(registry, policy)

  function listedTool(tool: AnyTool): ListedTool {
    const known = listed.get(tool.name)
    if (known !== undefined) return known
    const made = listTool(tool)
    listed.set(tool.name, made)
    return made
  }

  function visible(tool: AnyTool, principal: Principal): boolean {
    return isLocal(tool) || openDecision(ruleOf(tool), principal, policy()).listed
  }

  function standings(principal: Principal): ToolStanding[] {
    return [...registry.tools.values()].flatMap((tool) => {
      if (isLocal(tool)) return [{ name: tool.name, missingScopes: [] }]
      const open = openDecision(ruleOf(tool), principal, policy())
      if (!open.listed) return []
      return [{ name: tool.name, missingScopes: scopesToCall(tool, principal, open) ?? [] }]
    })
  }

  /** Leaves the record of a call that is refused as it comes, with what it asked for as far as that can be seen. */
  async function keepToolRefusal(
    request: ToolCall,
    error: FhirMcpError,
    call = prepared.take(request),
  ): Promise<void> {
    // What nobody registered is a text of the caller's.
    const name = call?.tool.name ?? 'unknown'
    const given = call?.read.names ?? []
    await keepRefusal(calls, { kind: 'tool', name, asker: request, given }, subjectOf(call), error)
  }

  async function run(call: PreparedCall, request: ToolRequest): Promise<Answer> {
    const { read } = call
    if ('error' in read) {
      await keepToolRefusal(request, read.error, call)
      throw read.error
    }
    const { progress } = request
    const { input } = read
    const head = {
      kind: 'tool',
      asker: request,
      progress,
      given: read.names,
      saidIn: saidInAnswer,
    } as const
    if (call.open === undefined) {
      const local = call.tool
      const work = { ...head, name: local.name }
      return doLocalWork(calls, { ...work, run: (context) => local.run(input, context) })
    }
    const { tool: asked, open } = call
    return doWork(calls, {
      ...head,
      given: asked.recorded?.(input, head.given) ?? head.given,
      rule: open.rule,
      open,
      subject: () => asked.subject(input),
      run: (context) => asked.run(input, context),
    })
  }

  return {
    registry,
    identify: parts.identify,
    readNames: createReadNames(calls),

    listTools: (principal) =>
      [...registry.tools.values()].filter((tool) => visible(tool, principal)).map(listedTool),

    missingScopes(call) {
      const looked = prepared.look(call)
      if (looked?.open === undefined || !looked.open.listed) return undefined
      // Arguments that cannot be read are refused as such when the call is made; till then its types are not known.
      if (looked.tool.needsOf !== undefined && 'error' in looked.read) return undefined
      return looked.open.missingScopes?.scopes
    },

    async callTool(request) {
      const call = prepared.take(request)
      try {
        if (call === undefined || call.open?.listed === false) {
          await keepToolRefusal(request, fhirMcpError('FORBIDDEN'), call)
          return undefined
        }
        return withEmptyArguments(await run(call, request), call.read.empty)
      } catch (thrown) {
        if (!isFhirMcpError(thrown)) throw thrown
        if (call === undefined) return errorAnswer(thrown)
        return errorAnswer(withPatientHint(thrown, call.tool), cureOf(thrown, call.tool))
      }
    },

    ...createResourceService(calls, registry),
    ready: (signal) => opener.ready(signal),

    keepRefusal: keepToolRefusal,
    async keepRefusedBearer({ name, record }, error) {
      const principal = refusedPerson(error)
      if (principal === undefined) return
      await keepRefusal(
        calls,
        { kind: 'request', name, asker: { principal, record }, given: [] },
        undefined,
        error,
      )
    },
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
    bytes: createBytesInFlight(fhir.bytesInFlight),
    turns: createTurns({ atOnce: shareOf(fhir.connections), waiting: Infinity, patience: Infinity }),
    context: {
      cursors: createCursors(cursorKey(results.cursorKey), now),
      byteBudget: results.byteBudget,
      now,
      settings: {
        rosterSeconds: access.rosterSeconds,
        deadline: results.deadline,
        concurrency: fhir.connections,
        filtersRows: fhir.filtersRows,
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

/** What a call asks for, where its arguments are such that it can be seen. */
function subjectOf(call: PreparedCall | undefined): Subject | undefined {
  if (call?.open === undefined || 'error' in call.read) return undefined
  try {
    return call.tool.subject(call.read.input)
  } catch {
    return undefined
  }
}
