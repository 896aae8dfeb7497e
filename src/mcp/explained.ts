import type { Answer } from '../results/answer.ts'
import { meaningBytes, withMeaning } from '../results/quoted.ts'
import type { LocalTool, Tool, ToolContext } from '../tools/tool.ts'
import { type AnyTool, isLocal } from './registry.ts'

/**
 * A tool of ours whose text says what quotes in it mean, within the bytes that an answer may have. What an operator's own tool
 * writes is its own.
 */
export function explained(tool: AnyTool): AnyTool {
  if (isLocal(tool)) {
    const run: LocalTool['run'] = async (input, context) =>
      withLine(await tool.run(input, within(context, tool.output)))
    return { ...tool, run }
  }
  const run: Tool['run'] = async (input, context) =>
    withLine(await tool.run(input, within(context, tool.output)))
  return { ...tool, run }
}

/** Of the tools that answer with an object, one tells the bytes, and none fills them. */
function within<Context extends ToolContext>(context: Context, output: AnyTool['output']): Context {
  if (output === 'object') return context
  return { ...context, byteBudget: context.byteBudget - meaningBytes }
}

function withLine(answer: Answer): Answer {
  return answer.text === undefined ? answer : { ...answer, text: withMeaning(answer.text) }
}
