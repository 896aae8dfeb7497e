import { setMaxListeners } from 'node:events'
import type { z } from 'zod'
import type { Rule } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import { type Audit, type CallRecord, isDenialCode } from '../audit/record.ts'
import { type ErrorCode, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { CredentialOf } from '../exchange/credentials/credentials.ts'
import type { GrantedContext, Subject, ToolContext, ToolStanding } from '../tools/tool.ts'
import { type AccessParts, type CallAccess, createCallAccess, type Decision } from './access.ts'
import type { Asker, Progress } from './service.ts'

/** What every call of a process shares. */
export interface CallParts extends AccessParts {
  readonly credentialOf: CredentialOf
  readonly context: Pick<ToolContext, 'cursors' | 'byteBudget' | 'settings' | 'now'>
  /** How each listed tool stands to a caller. */
  readonly standings: (principal: Principal) => readonly ToolStanding[]
  readonly audit: Audit
}

/** One call before it is decided: what it is called, what it is about, and what it does then. */
export interface Work<T> {
  readonly kind: 'tool' | 'resource'
  readonly rule: Rule
  readonly asker: Asker
  readonly progress: Progress | undefined
  /** Undefined for work that needs no decision. */
  readonly subject: (() => Subject) | undefined
  run(context: GrantedContext): Promise<T>
}

/** The same for work that needs no decision. */
export interface LocalWork<T> {
  readonly kind: 'tool' | 'resource'
  readonly name: string
  readonly asker: Asker
  readonly progress: Progress | undefined
  run(context: ToolContext): Promise<T>
}

/**
 * Decides a piece of work and does it. An answer of the exchange outside the grant reloads the rosters past every cache and
 * is tried once more; still foreign, nothing is returned. Every end leaves a record. Throws FhirMcpError; anything else is
 * the caller's own abort or a fault of ours.
 */
export async function doWork<T>(parts: CallParts, work: Work<T>): Promise<T> {
  const ledger = openLedger(parts, work.asker, { kind: work.kind, name: work.rule.name })
  return ledger.keep(async () => {
    const { asker } = work
    // Every request of the call listens to its end, and there may be many at once.
    setMaxListeners(0, asker.signal)
    const call = {
      credential: parts.credentialOf(asker),
      signal: asker.signal,
      onRequest: ledger.countRequest,
    }
    const access = createCallAccess(parts, asker.principal, call)
    const subject = work.subject?.() ?? { kind: 'reach' }
    const attempt = async (fresh: boolean) => {
      const decision = await access.decide(work.rule, subject, fresh)
      ledger.decided(decision)
      return work.run(contextOf(parts, work, access, decision))
    }
    try {
      return await attempt(false)
    } catch (thrown) {
      if (!isFhirMcpError(thrown, 'EXCHANGE_LEAK')) throw thrown
      return attempt(true)
    }
  })
}

/** Does a piece of work that needs no decision. */
export async function doLocalWork<T>(parts: CallParts, work: LocalWork<T>): Promise<T> {
  const ledger = openLedger(parts, work.asker, work)
  return ledger.keep(() => work.run(baseContext(parts, work)))
}

function contextOf<T>(
  parts: CallParts,
  work: Work<T>,
  access: CallAccess,
  decision: Decision,
): GrantedContext {
  const { grant, target } = decision
  return {
    ...baseContext(parts, work),
    grant,
    target,
    exchange: access.exchange,
    roster: async (key) => {
      const { studies, organizations, unrestricted } = grant.terms
      const within = key.kind === 'study' ? studies.has(key.id) : organizations.has(key.id)
      if (!within && !unrestricted) throw fhirMcpError('FORBIDDEN')
      return access.roster(work.rule, key)
    },
  }
}

function baseContext(parts: CallParts, work: Pick<Work<unknown>, 'asker' | 'progress'>): ToolContext {
  const { principal, signal } = work.asker
  const tools = () => parts.standings(principal)
  return { ...parts.context, principal, signal, tools, progress: work.progress ?? (() => undefined) }
}

interface Ledger {
  readonly countRequest: () => void
  decided(decision: Decision): void
  keep<T>(run: () => Promise<T>): Promise<T>
}

function openLedger(
  parts: CallParts,
  asker: Asker,
  head: { kind: 'tool' | 'resource'; name: string },
): Ledger {
  const { now } = parts.context
  const start = now()
  let requests = 0
  let target: { kind: string; id: string | undefined } | undefined
  const record = (outcome: CallRecord['outcome'], code: ErrorCode | undefined) => {
    const { issuer, subject, client } = asker.principal
    const end = now()
    const who = { issuer, subject, client }
    const how = { outcome, code, requests, duration: end - start, time: new Date(end).toISOString() }
    const kept: CallRecord = { kind: head.kind, name: head.name, ...who, target, ...how }
    parts.audit(kept)
    asker.record?.(kept)
  }
  return {
    countRequest: () => {
      requests += 1
    },
    decided: (decision) => {
      target = describe(decision)
    },
    async keep(run) {
      try {
        assertCurrent(asker.principal, start)
        const result = await run()
        record('allowed', undefined)
        return result
      } catch (thrown) {
        const code = isFhirMcpError(thrown) ? thrown.code : undefined
        record(code !== undefined && isDenialCode(code) ? 'denied' : 'failed', code)
        throw thrown
      }
    },
  }
}

function describe({ target }: Decision): { kind: string; id: string | undefined } {
  switch (target.kind) {
    case 'study':
      return { kind: 'study', id: target.study }
    case 'organization':
      return { kind: 'organization', id: target.organization }
    case 'patient':
      return { kind: 'patient', id: target.patient }
    default:
      return { kind: 'reach', id: undefined }
  }
}

function assertCurrent(principal: Principal, now: number): void {
  if (principal.expiresAt * 1000 <= now) throw fhirMcpError('TOKEN_EXPIRED')
}

/** Checks the arguments of a call. Throws INVALID_ARGUMENT, naming each one that is wrong but not its value. */
export function checkArguments<Input extends z.ZodObject>(input: Input, given: unknown): z.output<Input> {
  const parsed = input.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map((issue) => {
    const path = issue.path.join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw fhirMcpError('INVALID_ARGUMENT', { detail: wrong.join('; ') })
}
