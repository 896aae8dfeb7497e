import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { noPermissions } from '../../src/access/permissions.ts'
import type { Principal } from '../../src/access/principal.ts'
import { parseScopes } from '../../src/access/scopes.ts'
import { fhirMcpError } from '../../src/errors.ts'
import { listTool } from '../../src/mcp/listing.ts'
import {
  type AnyTool,
  createRegistry,
  isLocal,
  type LocalResourceDefinition,
} from '../../src/mcp/registry.ts'
import type { McpService, ToolRequest } from '../../src/mcp/service.ts'
import type { Answer } from '../../src/results/answer.ts'
import { defineLocalTool } from '../../src/tools/tool.ts'

/** Far enough in the future for any test that does not move the clock. */
export const farAway = 4_102_444_800

/** A principal of the double; tokens of `createServiceDouble` are its keys. */
export function principalOf(subject: string, changes: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://login.example.org',
    subject,
    client: 'assistant',
    permissions: noPermissions,
    scopes: parseScopes(undefined),
    patient: undefined,
    expiresAt: farAway,
    claimsAt: 1_700_000_000,
    source: 'jwt',
    ...changes,
  }
}

/** What a test sees of the double. */
export interface ServiceDouble {
  readonly service: McpService
  /** Tokens that are accepted; others are TOKEN_INVALID. An error is thrown. */
  readonly tokens: Map<string, Principal | Error>
  readonly calls: ToolRequest[]
  /** Called when a `wait_for_abort` call begins; the call ends when it is aborted or released. */
  readonly waiting: Promise<ToolRequest>
  release(): void
  readonly events: string[]
}

const tools: readonly AnyTool[] = [
  defineLocalTool({
    name: 'echo',
    title: 'Echo',
    description: 'Says what it was told.',
    input: z.object({ text: z.string() }),
    output: 'object',
    local: true,
    run: async ({ text }) => ({ text, structured: { text } }),
  }),
  ...(['count_to', 'wait_for_abort', 'fail', 'needs_scope', 'hidden'] as const).map((name) =>
    defineLocalTool({
      name,
      title: name,
      description: `The double's ${name}.`,
      input: z.object({ n: z.number().int().default(3) }),
      output: 'content',
      local: true,
      run: async () => ({}),
    }),
  ),
]

/** A service in memory behind the interface of the real one: what a transport has to do shows on it. */
export function createServiceDouble(): ServiceDouble {
  const registry = createRegistry()
  for (const tool of tools) registry.addTool(tool)
  registry.addResource({
    name: 'capabilities',
    title: 'Capabilities',
    description: 'What the server can do.',
    mimeType: 'application/json',
    uri: 'fhir://capabilities',
    local: true,
    read: async () => ({ text: '{}' }),
  })
  const study: LocalResourceDefinition = {
    name: 'study',
    title: 'Study',
    description: 'One study.',
    mimeType: 'application/fhir+json',
    uri: 'exchange://study/{id}',
    local: true,
    read: async ({ id }) => ({ text: `{"id":"${id}"}` }),
  }
  registry.addResource(study)
  registry.addPrompt({
    name: 'compare',
    title: 'Compare',
    description: 'Compares two studies.',
    arguments: [
      { name: 'first', description: 'A study', required: true },
      { name: 'second', description: 'Another', required: false },
    ],
    get: ({ first, second }) => [{ role: 'user', text: `Compare ${first} and ${second ?? 'the others'}.` }],
  })
  const tokens = new Map<string, Principal | Error>([['good', principalOf('ada')]])
  const calls: ToolRequest[] = []
  const events: string[] = []
  let started: (request: ToolRequest) => void = () => undefined
  const waiting = new Promise<ToolRequest>((resolve) => {
    started = resolve
  })
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })

  async function answer(request: ToolRequest): Promise<Answer | undefined> {
    const given = z.object({ text: z.string().optional(), n: z.number().optional() }).parse(request.arguments)
    switch (request.name) {
      case 'count_to': {
        const n = given.n ?? 3
        for (let done = 1; done <= n; done += 1) {
          request.progress?.(done, n, `${done} of ${n}`)
          await wait(0)
        }
        return { text: `Counted to ${n}.` }
      }
      case 'wait_for_abort': {
        started(request)
        const aborted = new Promise<void>((resolve) => {
          request.signal.addEventListener('abort', () => resolve(), { once: true })
        })
        await Promise.race([aborted, released])
        events.push(request.signal.aborted ? 'call aborted' : 'call ended')
        return { text: 'Released.' }
      }
      case 'fail':
        throw new TypeError('secret of a patient')
      case 'hidden':
        return undefined
      default: {
        const tool = registry.tools.get(request.name)
        if (tool === undefined || !isLocal(tool)) return undefined
        return { text: `${given.text} for ${request.principal.subject}`, structured: { text: given.text } }
      }
    }
  }

  const service: McpService = {
    registry,
    async identify(token) {
      const principal = tokens.get(token)
      if (principal === undefined) throw fhirMcpError('TOKEN_INVALID')
      if (principal instanceof Error) throw principal
      return principal
    },
    listTools: () => [...registry.tools.values()].filter(({ name }) => name !== 'hidden').map(listTool),
    missingScopes: ({ name }) =>
      name === 'needs_scope' ? ['user/Patient.rs', 'user/Observation.rs'] : undefined,
    async callTool(request) {
      calls.push(request)
      request.record?.({
        tool: request.name,
        outcome: 'allowed',
        code: undefined,
        requests: 0,
        duration: 1,
        record: 'record-1',
        subject: 'hash',
      })
      return answer(request)
    },
    async readResource({ uri }) {
      if (uri !== 'fhir://capabilities') throw fhirMcpError('FORBIDDEN')
      return { uri, mimeType: 'application/json', text: '{}' }
    },
    complete: async ({ value }) => ({ values: [`${value}1`, `${value}2`], total: 2, hasMore: false }),
    async ready() {
      if (events.includes('exchange down')) throw fhirMcpError('EXCHANGE_UNAVAILABLE')
    },
    keepRefusal: async ({ name }, { code }) => void events.push(`${name} refused: ${code}`),
    keepRefusedRead: async ({ uri }, { code }) => void events.push(`${uri} refused: ${code}`),
    keepRefusedCompletion: async ({ uri }, { code }) => void events.push(`${uri} refused: ${code}`),
    keepRefusedBearer: async ({ name }, { code }) => void events.push(`${name} refused: ${code}`),
    auditStatus: () => ({ failed: 0, failing: false, head: undefined, posted: 0, skipped: 0 }),
    async close() {
      events.push('service closed')
    },
  }
  return { service, tokens, calls, waiting, release, events }
}
