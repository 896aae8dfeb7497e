import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { type OpenDecision, openDecision } from '../access/decide.ts'
import type { Policy } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import type { LocalTool, Tool } from '../tools/tool.ts'
import { checkGiven } from './call.ts'
import { type GivenArguments, givenArguments } from './given-arguments.ts'
import { type AnyTool, isLocal, type Registry } from './registry.ts'
import { ruleOf, ruleOfCall } from './rule-of.ts'
import type { ToolCall } from './service.ts'

/** What a call's arguments were read as, or why they could not be. */
export type ReadArguments = {
  /** Names of the arguments that have a value. */
  readonly names: readonly string[]
  /** Names of those that were given without one. */
  readonly empty: readonly string[]
} & ({ readonly input: z.output<z.ZodObject> } | { readonly error: FhirMcpError })

/**
 * A call of a tool as far as it is known before anything is asked: its arguments, and the decision on its caller; a local tool
 * needs none.
 */
export type PreparedCall = { readonly read: ReadArguments } & (
  | { readonly tool: LocalTool; readonly open: undefined }
  | { readonly tool: Tool; readonly open: OpenDecision }
)

/** Prepares calls, each one once, though a transport looks at a call before it is made. Undefined: no tool has the name. */
export interface PreparedCalls {
  /** Prepares a call that is still to be made. */
  look(call: ToolCall): PreparedCall | undefined
  /** The call as it was looked at, which is forgotten; prepared now where nobody did. */
  take(call: ToolCall): PreparedCall | undefined
}

interface Kept {
  readonly name: string
  readonly given: unknown
  readonly prepared: PreparedCall
}

/** Calls of one principal that may be between their transport and their tool. */
const mostKept = 8

/** Makes `PreparedCalls`. What is prepared follows from the principal, the name and the arguments alone. */
export function createPreparedCalls(registry: Registry, policy: () => Policy): PreparedCalls {
  const kept = new WeakMap<Principal, readonly Kept[]>()

  function prepared({ principal, name, arguments: given }: ToolCall): PreparedCall | undefined {
    const tool = registry.tools.get(name)
    if (tool === undefined) return undefined
    const read = readArguments(tool, given)
    if (isLocal(tool)) return { tool, read, open: undefined }
    const rule = 'input' in read ? ruleOfCall(tool, read.input) : ruleOf(tool)
    return { tool, read, open: openDecision(rule, principal, policy()) }
  }

  return {
    look(call) {
      const made = prepared(call)
      if (made === undefined) return undefined
      const others = kept.get(call.principal) ?? []
      const own = { name: call.name, given: call.arguments ?? {}, prepared: made }
      kept.set(call.principal, [own, ...others].slice(0, mostKept))
      return made
    },
    take(call) {
      const all = kept.get(call.principal) ?? []
      const given = call.arguments ?? {}
      const found = all.find((one) => one.name === call.name && isDeepStrictEqual(one.given, given))
      if (found === undefined) return prepared(call)
      kept.set(
        call.principal,
        all.filter((one) => one !== found),
      )
      return found.prepared
    },
  }
}

function readArguments({ input }: AnyTool, given: unknown): ReadArguments {
  const read = givenArguments(input, given)
  const named = { names: namesIn(read, input), empty: read.empty }
  try {
    return { ...named, input: checkGiven(input, read) }
  } catch (thrown) {
    if (isFhirMcpError(thrown)) return { ...named, error: thrown }
    throw thrown
  }
}

/** Names of arguments that the tool has; any other might hold a value. */
function namesIn({ values }: GivenArguments, { shape }: z.ZodObject): string[] {
  if (typeof values !== 'object' || values === null) return []
  return Object.keys(values).filter((name) => Object.hasOwn(shape, name))
}
