import Fastify, { type FastifyHttpOptions, type FastifyInstance, type RawServerDefault } from 'fastify'
import { z } from 'zod'
import fhirMcp, { type FhirMcpOptions } from '../../plugins/index.ts'
import { errorCatalog } from '../../src/errors.ts'
import { audience, type Signer } from './signer.ts'

/** What a request to the MCP endpoint came to. */
export interface Answered {
  readonly status: number
  readonly body: string
  /** Code of the catalog, wherever the answer has it: in an error of JSON-RPC, or in a result with `isError`. */
  readonly code: string | undefined
  /** Text of a tool's answer. */
  readonly text: string
  readonly structured: Readonly<Record<string, unknown>>
  readonly isError: boolean
}

/** A gateway that is attacked: a real Fastify with the plugin in it, called without a socket. */
export interface AttackedGateway {
  readonly app: FastifyInstance
  post(token: string, message: unknown): Promise<Answered>
  call(token: string, tool: string, given?: object): Promise<Answered>
  read(token: string, uri: string): Promise<Answered>
  tools(token: string): Promise<readonly ListedTool[]>
  close(): Promise<void>
}

/** The options that a suite of attacks chooses; the rest is the same for all. */
export type AttackedOptions = Omit<Partial<FhirMcpOptions>, 'fhir'> & Pick<FhirMcpOptions, 'fhir'>

const listedTool = z.object({ name: z.string(), inputSchema: z.record(z.string(), z.unknown()) })
export type ListedTool = z.output<typeof listedTool>

const toolList = z.object({ result: z.object({ tools: z.array(listedTool) }) })
const rpcAnswer = z.object({
  result: z
    .object({
      content: z.array(z.looseObject({ text: z.string().default('') })).default([]),
      structuredContent: z.record(z.string(), z.unknown()).default({}),
      isError: z.boolean().default(false),
    })
    .optional(),
  error: z.object({ data: z.object({ code: z.string() }).optional() }).optional(),
})

/** What is counted or shed has no place here: an attack that was refused for its number would have tried nothing. */
const unlimited = {
  callsPerPrincipal: 0,
  messagesPerPrincipal: 0,
  requestsPerAddress: 0,
  refusedTokensPerAddress: 0,
  callsAtOnce: 1000,
  callsWaiting: 100_000,
  patience: 60_000,
  pressure: { eventLoopDelay: 0, heapUsed: 0 },
}

/** Starts a gateway for tokens of a signer. */
export async function startAttacked(
  signer: Pick<Signer, 'origin' | 'jwksUri'>,
  options: AttackedOptions,
  extend: (app: FastifyInstance) => void = () => undefined,
  server: FastifyHttpOptions<RawServerDefault> = {},
): Promise<AttackedGateway> {
  const app = Fastify({ forceCloseConnections: true, ...server })
  await app.register(fhirMcp, {
    audit: { sink: 'off' },
    limits: unlimited,
    ...options,
    auth: { issuer: signer.origin, jwksUri: signer.jwksUri, audience, ...options.auth },
  })
  extend(app)
  const post = async (token: string, message: unknown) => {
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25',
      },
      payload: JSON.stringify(message),
    })
    return answeredOf(response.statusCode, response.body)
  }
  const ask = (token: string, method: string, params: object) =>
    post(token, { jsonrpc: '2.0', id: 1, method, params })
  return {
    app,
    post,
    call: (token, name, given = {}) => ask(token, 'tools/call', { name, arguments: given }),
    read: (token, uri) => ask(token, 'resources/read', { uri }),
    async tools(token) {
      const { body } = await ask(token, 'tools/list', {})
      return toolList.parse(JSON.parse(body)).result.tools
    },
    close: () => app.close(),
  }
}

const codes = Object.keys(errorCatalog)

function answeredOf(status: number, body: string): Answered {
  const { result, error } = rpcAnswer.parse(JSON.parse(body))
  const text = result?.content.map((block) => block.text).join('\n') ?? ''
  const isError = error !== undefined || result?.isError === true
  const said = error?.data?.code ?? (isError ? text.split(':')[0] : undefined)
  const code = said?.replace('FHIR_MCP_', '')
  return {
    status,
    body,
    code: code !== undefined && codes.includes(code) ? code : undefined,
    text,
    structured: result?.structuredContent ?? {},
    isError,
  }
}
