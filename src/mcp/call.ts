import { setMaxListeners } from 'node:events'
import type { z } from 'zod'
import { type OpenDecision, openDecision } from '../access/decide.ts'
import type { Rule } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import type { Audit, CallRecord } from '../audit/record.ts'
import { isIn, type Said, type Touched } from '../audit/touched.ts'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { BytesInFlight } from '../exchange/bytes-in-flight.ts'
import type { CredentialOf } from '../exchange/credentials/credentials.ts'
import { personKey } from '../limits/person-key.ts'
import type { Turns } from '../limits/turns.ts'
import { inSpan } from '../telemetry/spans.ts'
import type { GrantedContext, Subject, ToolContext, ToolStanding } from '../tools/tool.ts'
import { type AccessParts, type CallAccess, createCallAccess, type Decision, policyOf } from './access.ts'
import { type GivenArguments, givenArguments } from './given-arguments.ts'
import { type Head, openLedger } from './ledger.ts'
import type { Asker, Progress } from './service.ts'
import { roundedArguments, wrongArguments } from './wrong-arguments.ts'

/** What every call of a process shares. */
export interface CallParts extends AccessParts {
  readonly credentialOf: CredentialOf
  /** Of requests to the exchange: nobody takes all of its connections. */
  readonly turns: Turns
  /** Of large answers of the exchange: they do not fill the memory together. */
  readonly bytes: BytesInFlight
  readonly context: Pick<ToolContext, 'cursors' | 'byteBudget' | 'settings' | 'now'>
  /** How each listed tool stands to a caller. */
  readonly standings: (principal: Principal) => readonly ToolStanding[]
  readonly audit: Audit
}

/** What the audit has to know of any call. */
interface AuditedWork<T> {
  readonly kind: CallRecord['kind']
  readonly asker: Asker
  /** Names of the arguments that were given. */
  readonly given: readonly string[]
  /** What is in an answer. */
  saidIn(result: T): Said
}

/** One call before it is decided: what it is called, what it is about, and what it does then. */
export interface Work<T> extends AuditedWork<T> {
  readonly rule: Rule
  /** The decision on the rule, where it was opened before. */
  readonly open?: OpenDecision
  /** What the record calls it, where that is not the name of the rule. */
  readonly name?: string
  readonly progress: Progress | undefined
  /** Undefined for work that needs no decision. */
  readonly subject: (() => Subject) | undefined
  run(context: GrantedContext): Promise<T>
}

/** The same for work that needs no decision. */
export interface LocalWork<T> extends AuditedWork<T> {
  readonly name: string
  readonly progress: Progress | undefined
  run(context: ToolContext): Promise<T>
}

/**
 * Decides a piece of work and does it. Whose it is was judged when its message came: it runs to its deadline, whenever the
 * token expires. An answer of the exchange outside the grant reloads the rosters past every cache and
 * is tried once more; still foreign, nothing is returned. Every end leaves a record. Throws FhirMcpError; anything else is
 * the caller's own abort or a fault of ours.
 */
export async function doWork<T>(parts: CallParts, work: Work<T>): Promise<T> {
  const { asker, rule } = work
  const { now } = parts.context
  const endsAt = now() + parts.context.settings.deadline
  const ledger = openLedger(parts.audit, now, { ...headOf(work), name: work.name ?? rule.name })
  const bytes = parts.bytes.open(personKey(asker.principal))
  const run = async () => {
    // Every request of the call listens to its end, and there may be many at once.
    setMaxListeners(0, asker.signal)
    const call = {
      credential: parts.credentialOf(asker),
      signal: asker.signal,
      left: () => endsAt - now(),
      bytes,
      turn: (signal: AbortSignal) => parts.turns.enter(personKey(asker.principal), signal),
      onRequest: ledger.countRequest,
      onReceived: ledger.countReceived,
    }
    const access = createCallAccess(parts, asker.principal, call)
    const open = work.open ?? openDecision(rule, asker.principal, policyOf(parts))
    const attempt = async (fresh: boolean) => {
      const decision = await inSpan('decide', async (span) => {
        const made = await access.decide(open, subject, fresh)
        span?.setAttributes({ 'fhir_mcp.target': made.target.kind, 'fhir_mcp.fresh': fresh })
        return made
      })
      ledger.decided(decision.target)
      return work.run(contextOf(parts, work, { access, decision, touched: ledger.touched, endsAt }))
    }
    const subject = work.subject?.() ?? { kind: 'reach' }
    ledger.asked(subject)
    try {
      return await attempt(false)
    } catch (thrown) {
      if (!isFhirMcpError(thrown, 'EXCHANGE_LEAK')) throw thrown
      return attempt(true)
    }
  }
  try {
    return await ledger.keep(run, (result) => work.saidIn(result))
  } finally {
    bytes.end()
  }
}

/** Does a piece of work that needs no decision. */
export async function doLocalWork<T>(parts: CallParts, work: LocalWork<T>): Promise<T> {
  const { now } = parts.context
  const endsAt = now() + parts.context.settings.deadline
  const ledger = openLedger(parts.audit, now, { ...headOf(work), name: work.name })
  const run = () => work.run(baseContext(parts, work, endsAt))
  return ledger.keep(run, (result) => work.saidIn(result))
}

/**
 * Leaves the record of a call that was refused before it became work; `subject` is what it asked for, where that is known. Throws
 * STORAGE_UNAVAILABLE where it could not be kept.
 */
export async function keepRefusal(
  parts: CallParts,
  head: Head,
  subject: Subject | undefined,
  error: FhirMcpError,
): Promise<void> {
  const ledger = openLedger(parts.audit, parts.context.now, head)
  if (subject !== undefined) ledger.asked(subject)
  await ledger.refused(error)
}

function headOf<T>({ kind, asker, given }: AuditedWork<T>) {
  return { kind, asker, given }
}

interface Granted {
  readonly access: CallAccess
  readonly decision: Decision
  readonly touched: Touched
  readonly endsAt: number
}

function contextOf<T>(
  parts: CallParts,
  work: Work<T>,
  { access, decision, touched, endsAt }: Granted,
): GrantedContext {
  const { grant, target } = decision
  const members = grant.terms.patients?.members
  if (members !== undefined) touched.knows((id) => members.has(id))
  return {
    ...baseContext(parts, work, endsAt),
    grant,
    target,
    exchange: touched.watch(access.exchange),
    roster: async (key) => {
      const { studies, organizations, unrestricted } = grant.terms
      const within = key.kind === 'study' ? studies.has(key.id) : organizations.has(key.id)
      if (!within && !unrestricted) throw fhirMcpError('FORBIDDEN')
      const roster = await access.roster(work.rule, key)
      touched.knows((id) => isIn(roster, id))
      return roster
    },
    requestedTypes: async (study) => {
      if (!grant.allowsStudy(study)) throw fhirMcpError('FORBIDDEN')
      return access.requestedTypes(work.rule, study)
    },
  }
}

function baseContext(
  parts: CallParts,
  work: Pick<Work<unknown>, 'asker' | 'progress'>,
  endsAt: number,
): ToolContext {
  const { principal, signal } = work.asker
  const tools = () => parts.standings(principal)
  return { ...parts.context, endsAt, principal, signal, tools, progress: work.progress ?? (() => undefined) }
}

/** Reads and checks the arguments of a call. Throws INVALID_ARGUMENT, naming each one that is wrong but not its value. */
export function checkArguments<Input extends z.ZodObject>(input: Input, given: unknown): z.output<Input> {
  return checkGiven(input, givenArguments(input, given))
}

/** Checks arguments that were read. Throws INVALID_ARGUMENT, naming each one that is wrong but not its value. */
export function checkGiven<Input extends z.ZodObject>(
  input: Input,
  { values, rounded }: GivenArguments,
): z.output<Input> {
  if (rounded.length > 0) throw fhirMcpError('INVALID_ARGUMENT', { detail: roundedArguments(rounded) })
  const parsed = input.safeParse(values)
  if (parsed.success) return parsed.data
  throw fhirMcpError('INVALID_ARGUMENT', { detail: wrongArguments(parsed.error, input, values) })
}
