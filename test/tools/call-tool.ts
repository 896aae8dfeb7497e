import { isDenial, openDecision } from '../../src/access/decide.ts'
import type { Policy, Rule } from '../../src/access/narrowing.ts'
import type { Principal } from '../../src/access/principal.ts'
import { type Enrolment, type Roster, rosterOf } from '../../src/access/roster.ts'
import type { RosterKey, Target } from '../../src/access/target.ts'
import { fhirMcpError } from '../../src/errors.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import { checkArguments } from '../../src/mcp/call.ts'
import type { Answer, Table } from '../../src/results/answer.ts'
import { createCursors } from '../../src/results/cursor.ts'
import type { GrantedContext, LocalTool, Subject, Tool, ToolContext } from '../../src/tools/tool.ts'
import { callerOf, policy as defaultPolicy } from '../access/callers.ts'
import { asOf, type ExchangeDouble, exchangeDouble, type Holdings } from './exchange-double.ts'

export const now = Date.parse('2026-11-23T05:00:10.000Z')
export const baseUrl = 'http://exchange.example/fhir'
const cursors = createCursors(new Uint8Array(32).fill(7), () => now)

/** A principal with what a caller may have; see `callerOf`. */
export function principalOf(given: Parameters<typeof callerOf>[0], more: Partial<Principal> = {}): Principal {
  return {
    ...callerOf(given),
    issuer: 'https://issuer.example',
    subject: 'user-1',
    client: 'assistant',
    expiresAt: now / 1000 + 600,
    claimsAt: now / 1000 - 60,
    source: 'jwt',
    ...more,
  }
}

/** How a test calls a tool. */
export interface Calling {
  readonly principal: Principal
  readonly holdings?: Holdings
  readonly byteBudget?: number
  readonly policy?: Policy
}

/** An answer, and the exchange that was asked for it. */
export interface Called {
  readonly answer: Answer
  readonly exchange: ExchangeDouble
}

/** Checks the arguments, decides and runs, as a call does; ids are taken as they are. Throws FhirMcpError. */
export async function callTool(tool: Tool, given: unknown, calling: Calling): Promise<Called> {
  const exchange = exchangeDouble(calling.holdings ?? {})
  const input = checkArguments(tool.input, given)
  const rule: Rule = { name: tool.name, ...tool.rule }
  const policy = calling.policy ?? defaultPolicy
  const target = targetOf(tool.subject(input))
  const open = openDecision(rule, calling.principal, policy)
  const keys = open.rostersFor(target)
  const rosters = keys.map((key) => ({ key, roster: rosterOfHoldings(calling.holdings, key) }))
  const grant = open.decide(target, rosters)
  if (isDenial(grant)) throw fhirMcpError(grant.denied, { scopes: grant.scopes })
  const context: GrantedContext = {
    ...contextOf(calling),
    grant,
    target,
    exchange,
    roster: async (key) => rosterOfHoldings(calling.holdings, key),
    requestedTypes: async (study) => calling.holdings?.requested?.[study],
  }
  return { answer: await tool.run(input, context), exchange }
}

/** Runs a local tool. */
export async function callLocalTool(tool: LocalTool, context: ToolContext): Promise<Answer> {
  return tool.run(checkArguments(tool.input, {}), context)
}

/** The context of a call, before any decision. */
export function contextOf({ principal, byteBudget = 65_536 }: Calling): ToolContext {
  return {
    principal,
    cursors,
    byteBudget,
    now: () => now,
    endsAt: now + 60_000,
    settings: { rosterSeconds: 60, deadline: 60_000, concurrency: 5, filtersRows: false, baseUrl },
    tools: () => [],
    progress: () => undefined,
    signal: new AbortController().signal,
  }
}

function rosterOfHoldings(holdings: Holdings | undefined, key: RosterKey): Roster {
  return rosterOf(holdings?.rosters?.[nameOf(key)] ?? [], true, Date.parse(asOf))
}

function nameOf(key: RosterKey): string {
  return `${key.kind}/${key.id}`
}

function targetOf(subject: Subject): Target {
  return subject.kind === 'patient' ? { kind: 'patient', patient: subject.patient } : subject
}

/** An enrolment; `status` on-study is enrolled. */
export function enrolmentOf(patient: string, more: Partial<Enrolment> = {}): Enrolment {
  const status = more.status ?? 'on-study'
  return {
    patient,
    subject: `rs-${patient}`,
    codes: [patient.toUpperCase()],
    enrolled: status === 'on-study',
    start: '2026-01-01',
    end: undefined,
    ...more,
    status,
  }
}

/** The FHIR resource of an answer. */
export function resourceOf(answer: Answer): AnyResource {
  const { structured } = answer
  if (structured === undefined || !('resourceType' in structured)) throw new TypeError('no resource')
  return structured as AnyResource
}

/** The table of an answer. */
export function tableOf(answer: Answer): Table {
  const { structured } = answer
  if (structured === undefined || !('columns' in structured)) throw new TypeError('no table')
  return structured as Table
}

interface Entry {
  readonly resource: AnyResource
  readonly search: { readonly mode: string }
}

/** The resources of a Bundle's entries of one mode. */
export function entriesOf(answer: Answer, mode = 'match'): AnyResource[] {
  const entries = (resourceOf(answer).entry ?? []) as readonly Entry[]
  return entries.filter(({ search }) => search.mode === mode).map(({ resource }) => resource)
}

/** The texts of an answer's notes. */
export function notesOf(answer: Answer): string[] {
  return entriesOf(answer, 'outcome').flatMap(({ issue }) =>
    (issue as readonly { diagnostics: string }[]).map(({ diagnostics }) => diagnostics),
  )
}

/** The cursor that an answer's `next` link carries. */
export function cursorOf(answer: Answer): string | undefined {
  const links = resourceOf(answer).link as readonly { relation: string; url: string }[]
  const next = links.find(({ relation }) => relation === 'next')?.url
  return next === undefined ? undefined : (new URLSearchParams(next.split('?')[1]).get('cursor') ?? undefined)
}

/** Paths of a JSON value at which there is a null or an empty array or object: FHIR has none of them. */
export function emptiesIn(value: unknown, path = '$'): string[] {
  if (value === null || value === undefined) return [path]
  if (typeof value !== 'object') return []
  const members = Object.entries(value)
  if (members.length === 0) return [path]
  return members.flatMap(([name, member]) => emptiesIn(member, `${path}.${name}`))
}
