import { type OpenDecision, openDecision } from '../access/decide.ts'
import type { Caller, Rule } from '../access/narrowing.ts'
import type { Tool } from '../tools/tool.ts'

/** The rule of a tool, whatever it is asked. */
export function ruleOf(tool: Tool): Rule {
  return { name: tool.name, ...tool.rule }
}

/** The rule of one call: where the types are up to an argument, the one that is asked for. */
export function ruleOfCall(tool: Tool, input: Parameters<Tool['run']>[0]): Rule {
  const needs = tool.needsOf?.(input)
  return needs === undefined ? ruleOf(tool) : { ...ruleOf(tool), needs }
}

/** The scopes without which no call of a tool can be; undefined when a token has enough for one of its types. */
export function scopesToCall(
  tool: Tool,
  caller: Caller,
  { rule, policy, missingScopes }: OpenDecision,
): readonly string[] | undefined {
  const missing = missingScopes?.scopes
  if (tool.needsOf === undefined || missing === undefined) return missing
  const none = rule.needs.every(
    (need) => openDecision({ ...rule, needs: [need] }, caller, policy).missingScopes,
  )
  return none ? missing : undefined
}
