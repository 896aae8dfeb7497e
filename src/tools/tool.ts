import type { z } from 'zod'
import type { Grant } from '../access/grant.ts'
import type { Rule } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import type { RequestedType } from '../access/restrictions.ts'
import type { Roster } from '../access/roster.ts'
import type { ScopeNeed } from '../access/scopes.ts'
import type { RosterKey, Target } from '../access/target.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Answer } from '../results/answer.ts'
import type { Cursors } from '../results/cursor.ts'

/**
 * What a call is about, in the caller's words: ids, or names that are resolved within the caller's reach before the
 * decision (a study's title or identifier, a participant code together with its study).
 */
export type Subject =
  | { readonly kind: 'reach' }
  | { readonly kind: 'study'; readonly study: string }
  | { readonly kind: 'organization'; readonly organization: string }
  | { readonly kind: 'patient'; readonly patient: string; readonly study: string | undefined }

/** What every tool can lean on while it runs. */
export interface ToolContext {
  readonly principal: Principal
  readonly cursors: Cursors
  /** Bytes that an answer may have, structured and text together. */
  readonly byteBudget: number
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** When this call has to end, by that clock: `results.deadline` after it began, whatever came before the tool. */
  readonly endsAt: number
  readonly settings: ToolSettings
  /** The tools that this caller's roles and permissions allow, in their order, each with the scopes it still lacks. */
  readonly tools: () => readonly ToolStanding[]
  /** Reports progress where the client asked for it. */
  readonly progress: (done: number, total: number | undefined, message: string) => void
  /** Ends when the client has gone or cancelled. */
  readonly signal: AbortSignal
}

/** How a tool stands to a caller: listed, and callable when no scope is missing (for any target at all). */
export interface ToolStanding {
  readonly name: string
  readonly missingScopes: readonly string[]
}

/** Settings that `get_my_access` and others tell the caller about. */
export interface ToolSettings {
  /** Longest time, in seconds, that a roster is kept: how long a withdrawn right may still work. */
  readonly rosterSeconds: number
  /** Deadline of a call over many requests, in milliseconds. */
  readonly deadline: number
  /** Requests that may be under way at once for one call. */
  readonly concurrency: number
  /** Whether an operator says that the exchange takes rows out of its answers, rosters included. */
  readonly filtersRows: boolean
  readonly baseUrl: string
}

/** The context of a tool with a target: the decision, and the exchange that takes it. */
export interface GrantedContext extends ToolContext {
  readonly grant: Grant
  /** The resolved target that was decided on. */
  readonly target: Target
  readonly exchange: Exchange
  /** The roster of a study or organization within the grant, whole: from the cache, or read to its end. */
  readonly roster: (key: RosterKey) => Promise<Roster>
  /** The types of data that a study within the grant requested; undefined where the exchange does not record them. */
  readonly requestedTypes: (study: string) => Promise<readonly RequestedType[] | undefined>
}

/**
 * Arrangement of a structured answer: a FHIR resource (or a table of it), any object, or none (`content`: own tools that
 * answer with text, images and the like). With the first two every answer has to be structured; clients check it.
 */
export type Output = 'fhir' | 'object' | 'content'

/** One tool. `input` is checked, then `subject` says what the call is about, then it is decided, then `run` answers. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly title: string
  /** When to use it; short. */
  readonly description: string
  readonly input: Input
  readonly output: Output
  readonly rule: Pick<Rule, 'needs' | 'patients'>
  /**
   * Where an argument says which type is read: what a call needs. `rule.needs` then has a need for each type that there may
   * be, and a call is decided by these alone.
   */
  needsOf?(input: z.output<Input>): readonly ScopeNeed[]
  /**
   * What the record of a call says was given, where that is more than `names`, those of the arguments: words of ours or of the
   * configuration, never a text of the caller's.
   */
  recorded?(input: z.output<Input>, names: readonly string[]): readonly string[]
  subject(input: z.output<Input>): Subject
  run(input: z.output<Input>, context: GrantedContext): Promise<Answer>
}

/** A tool without a target: no decision, no grant, no exchange. */
export interface LocalTool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: Input
  readonly output: Output
  readonly local: true
  run(input: z.output<Input>, context: ToolContext): Promise<Answer>
}

/** Ties a tool's `run` to its `input`; the value is the same. */
export function defineTool<Input extends z.ZodObject>(tool: Tool<Input>): Tool<Input> {
  return tool
}

/** Ties a local tool's `run` to its `input`; the value is the same. */
export function defineLocalTool<Input extends z.ZodObject>(tool: LocalTool<Input>): LocalTool<Input> {
  return tool
}
