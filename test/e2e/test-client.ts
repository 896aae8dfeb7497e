import { z } from 'zod'

/** What a call of a tool answers, whatever SDK asked. */
export interface Called {
  readonly text: string
  readonly structured: Record<string, unknown>
  readonly isError: boolean
  /** All blocks, the text too. */
  readonly content: readonly { readonly type: string; readonly [member: string]: unknown }[]
}

/** How a request is made. */
export interface Asking {
  readonly onprogress?: (progress: { progress: number; total?: number | undefined }) => void
  readonly signal?: AbortSignal
}

/** What a server said of itself when the client connected. */
export interface Introduction {
  readonly name: string | undefined
  readonly version: string | undefined
  readonly protocol: string | undefined
  readonly instructions: string | undefined
  readonly capabilities: object | undefined
}

interface Named {
  readonly name: string
  readonly [member: string]: unknown
}

/** A real MCP client, reduced to what every transport can do. */
export interface TestClient {
  introduction(): Introduction
  listTools(): Promise<readonly Named[]>
  call(name: string, args?: Record<string, unknown>, asking?: Asking): Promise<Called>
  listResources(): Promise<readonly Named[]>
  listTemplates(): Promise<readonly Named[]>
  /** The text of a resource. */
  readResource(uri: string): Promise<string>
  /** All that a read answers. */
  readContents(uri: string): Promise<readonly object[]>
  complete(uri: string, variable: string, value: string): Promise<readonly string[]>
  listPrompts(): Promise<readonly Named[]>
  getPrompt(name: string, args: Record<string, string>): Promise<readonly object[]>
  /** A request that the SDK has no method for. */
  request(method: string): Promise<unknown>
  close(): Promise<void>
}

/** How the clients of the tests introduce themselves. */
export const identity = { name: 'tests', version: '1.0.0' }

const resultSchema = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  structuredContent: z.record(z.string(), z.unknown()).default({}),
  isError: z.boolean().default(false),
})

/** Reads the result of `tools/call`. */
export function calledOf(result: object): Called {
  const { content, structuredContent, isError } = resultSchema.parse(result)
  return { text: content[0]?.text ?? '', structured: structuredContent, isError, content }
}

/** The text of what a read answered. */
export function textOf(contents: readonly object[]): string {
  const [first] = contents
  return first !== undefined && 'text' in first ? String(first.text) : ''
}
