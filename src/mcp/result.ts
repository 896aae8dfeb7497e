import type { Answer, ContentBlock } from '../results/answer.ts'

/** An answer as `tools/call` returns it, in both protocol eras. */
export interface ToolResult {
  readonly content: readonly ContentBlock[]
  readonly structuredContent?: Readonly<Record<string, unknown>>
  readonly isError?: boolean
}

/** Turns an answer into a result: its text first, then further content. */
export function toolResult(answer: Answer): ToolResult {
  const text: ContentBlock[] = answer.text === undefined ? [] : [{ type: 'text', text: answer.text }]
  return {
    content: [...text, ...(answer.content ?? [])],
    ...(answer.structured === undefined ? {} : { structuredContent: { ...answer.structured } }),
    ...(answer.isError === true ? { isError: true } : {}),
  }
}
