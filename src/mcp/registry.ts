import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import type { Rule } from '../access/narrowing.ts'
import { fhirMcpError } from '../errors.ts'
import type { ContentBlock } from '../results/answer.ts'
import type { GrantedContext, LocalTool, Subject, Tool, ToolContext } from '../tools/tool.ts'

/** Text of the MIME type that the definition names. */
export interface ResourceText {
  readonly text: string
}

/** Bytes of that MIME type, in base64. */
export interface ResourceBlob {
  readonly blob: string
}

/** What a resource's `read` gives. */
export type ResourceBody = ResourceText | ResourceBlob

interface ResourceHead {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly mimeType: string
  /** `scheme://…`, fixed or an RFC 6570 template with simple expressions. */
  readonly uri: string
}

/** A resource of the exchange: decided like a tool. Variables are those of the URI template. */
export interface ResourceDefinition extends ResourceHead {
  /** As that of a tool; its `name` is what the role table knows it by. */
  readonly rule: Rule
  subject(variables: Readonly<Record<string, string>>): Subject
  read(variables: Readonly<Record<string, string>>, context: GrantedContext): Promise<ResourceBody>
  /** Values of a variable within the grant on the caller's reach that begin with `value`. */
  complete?(variable: string, value: string, context: GrantedContext): Promise<readonly string[]>
}

/** A resource that needs no exchange. */
export interface LocalResourceDefinition extends ResourceHead {
  readonly local: true
  read(variables: Readonly<Record<string, string>>, context: ToolContext): Promise<ResourceBody>
  complete?(variable: string, value: string, context: ToolContext): Promise<readonly string[]>
}

/** One message of a prompt: a text, or one block of any MCP content. */
export type PromptMessage = { readonly role: 'user' | 'assistant' } & (
  | { readonly text: string }
  | { readonly content: ContentBlock }
)

/** An argument of a prompt. */
export interface PromptArgument {
  readonly name: string
  readonly description: string
  readonly required: boolean
  /** The resource whose variable has the same values: they complete the argument. */
  readonly completedBy?: { readonly uri: string; readonly variable: string }
}

/** A prompt: messages for the assistant, made from its arguments alone. */
export interface PromptDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: readonly PromptArgument[]
  get(values: Readonly<Record<string, string>>): readonly PromptMessage[]
}

export type AnyTool = Tool | LocalTool
export type AnyResourceDefinition = ResourceDefinition | LocalResourceDefinition

/** A resource that a URI names, with the variables of its template. */
export interface ResourceMatch {
  readonly definition: AnyResourceDefinition
  readonly variables: Readonly<Record<string, string>>
}

/** Whether a tool needs no decision. */
export function isLocal<T extends AnyTool | AnyResourceDefinition>(
  one: T,
): one is Extract<T, { local: true }> {
  return 'local' in one
}

/** Tools, resources and prompts in the order of their registration; names and URIs are unique. */
export interface Registry {
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly resources: ReadonlyMap<string, AnyResourceDefinition>
  readonly prompts: ReadonlyMap<string, PromptDefinition>
  addTool(tool: AnyTool): void
  addResource(resource: AnyResourceDefinition): void
  addPrompt(prompt: PromptDefinition): void
  /** The definition that a URI belongs to. */
  match(uri: string): ResourceMatch | undefined
  /** Closes the registry: what is added afterwards throws CONFIG. */
  seal(): void
}

/** Makes an empty registry. A name or URI that is taken throws CONFIG. */
export function createRegistry(): Registry {
  const tools = new Map<string, AnyTool>()
  const resources = new Map<string, AnyResourceDefinition>()
  const prompts = new Map<string, PromptDefinition>()
  let sealed = false

  function add<T>(map: Map<string, T>, name: string, one: T): void {
    if (sealed)
      throw fhirMcpError('CONFIG', { detail: 'Tools, resources and prompts are added before ready.' })
    if (map.has(name)) throw fhirMcpError('CONFIG', { detail: `${name} is registered already.` })
    map.set(name, one)
  }

  return {
    tools,
    resources,
    prompts,
    addTool: (tool) => add(tools, tool.name, tool),
    addResource: (resource) => add(resources, resource.uri, resource),
    addPrompt: (prompt) => add(prompts, prompt.name, prompt),
    match: (uri) => matchUri(resources.values(), uri),
    seal: () => {
      sealed = true
    },
  }
}

function matchUri(definitions: Iterable<AnyResourceDefinition>, uri: string): ResourceMatch | undefined {
  for (const definition of definitions) {
    if (definition.uri === uri) return { definition, variables: {} }
    if (!UriTemplate.isTemplate(definition.uri)) continue
    const found = new UriTemplate(definition.uri).match(uri)
    if (found === null) continue
    const pairs = Object.entries(found).map(([name, value]) => [name, String(value)] as const)
    return { definition, variables: Object.fromEntries(pairs) }
  }
  return undefined
}
