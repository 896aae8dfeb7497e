/** Something that has to hold, where that is written, and in words. */
export interface Requirement {
  /** A section of the MCP specification (by revision), another specification, or a decision of this package. */
  readonly source: string
  readonly behaviour: string
}

const spec = (revision: string, page: string) => `MCP ${revision}, ${page}`
const older = '2025-11-25'
const newer = '2026-07-28'

/** What every official client has to find, over every transport. `matrix-scenarios.ts` cites each. */
export const requirements = {
  'introduction:handshake': {
    source: `${spec(older, 'basic/lifecycle, initialization')}; ${spec(newer, 'server/discover')}`,
    behaviour:
      'The server names itself, its version, its instructions, and the newest protocol that both speak.',
  },
  'introduction:capabilities': {
    source: spec(older, 'basic/lifecycle, capability negotiation'),
    behaviour:
      'It declares tools, resources, prompts and completions, and nothing that a stateless server has not.',
  },
  'tools:order': {
    source: spec(newer, 'server/tools, listing tools'),
    behaviour: 'The tools come in the same order each time.',
  },
  'tools:size': {
    source: 'A decision of src/mcp/listing.ts',
    behaviour: 'The listing is small: no FHIR schema is in it.',
  },
  'tools:schemas': {
    source: spec(older, 'server/tools, output schema'),
    behaviour:
      'Every tool has a description, an object as input, and annotations that say that it only reads.',
  },
  'tools:structured': {
    source: spec(older, 'server/tools, structured content'),
    behaviour: 'An answer is one FHIR resource as structured content, and a text that is enough by itself.',
  },
  'tools:paging': {
    source: 'README.md, Tools',
    behaviour: 'The cursor of a page leads to the next one, and no row comes twice.',
  },
  'tools:own-content': {
    source: spec(older, 'server/tools, tool result'),
    behaviour:
      'A tool of the gateway may answer with text, image, audio, resource link and embedded resource.',
  },
  'errors:tool': {
    source: spec(older, 'server/tools, error handling'),
    behaviour: 'A failure of the catalog is an answer with isError and an OperationOutcome with its code.',
  },
  'errors:fault': {
    source: 'A decision of src/mcp/rpc-error.ts',
    behaviour: 'A fault of own code is an internal error in fixed words: what was thrown is not told.',
  },
  'errors:unknown-tool': {
    source: spec(older, 'server/tools, error handling'),
    behaviour: 'A call of a tool that is not there is a protocol error -32602.',
  },
  'errors:unknown-method': {
    source: 'JSON-RPC 2.0 §5.1',
    behaviour: 'A method that is not there is a protocol error -32601.',
  },
  'resources:list': {
    source: spec(older, 'server/resources, listing resources'),
    behaviour: 'Resources and templates are listed with URI, name and MIME type.',
  },
  'resources:read': {
    source: spec(older, 'server/resources, reading resources'),
    behaviour: 'A resource within reach is read as text of its MIME type, or as bytes in base64.',
  },
  'resources:not-found': {
    source: spec(newer, 'server/resources, error handling'),
    behaviour: 'One that is not there is a protocol error -32602 that names the URI.',
  },
  'completion:reach': {
    source: spec(older, 'server/utilities/completion'),
    behaviour: 'Variables of templates are completed, within what the token reaches.',
  },
  'prompts:content': {
    source: spec(older, 'server/prompts, data types'),
    behaviour: 'Prompts are listed with their arguments, and got with text, images and resources.',
  },
  'prompts:errors': {
    source: spec(older, 'server/prompts, error handling'),
    behaviour: 'An unknown prompt, or a required argument that is missing, is a protocol error -32602.',
  },
  progress: {
    source: spec(older, 'basic/utilities/progress'),
    behaviour: 'A call over many requests reports its progress, growing, to a client that asks for it.',
  },
  'cancellation:request': {
    source: `${spec(older, 'basic/utilities/cancellation')}; ${spec(newer, 'basic/transports, cancellation')}`,
    behaviour: 'A client that cancels a call ends its request to the exchange.',
  },
  'cancellation:gone': {
    source: 'A decision of plugins/mcp.ts and src/cli/stdio.ts',
    behaviour: 'A client that goes away ends the requests of its calls to the exchange.',
  },
  'access:forbidden': {
    source: 'ARCHITECTURE.md, no grant, no request',
    behaviour: 'What is forbidden reads like what is not there, and no request is made for it.',
  },
  'access:scope': {
    source: `RFC 6750 §3.1; ${spec(older, 'basic/authorization, scope challenge')}`,
    behaviour:
      'A call that lacks scopes is refused with INSUFFICIENT_SCOPE, over Streamable HTTP with 403, and no request is made.',
  },
  'access:token': {
    source: spec(older, 'basic/authorization, token handling'),
    behaviour: 'Nobody connects over HTTP without a token that holds.',
  },
  'access:expiry': {
    source: spec(older, 'basic/authorization, token handling'),
    behaviour:
      'A token that expires in the middle of a session is refused from then on, and a newer one goes on.',
  },
} as const satisfies Readonly<Record<string, Requirement>>

/** Names a requirement. */
export type RequirementId = keyof typeof requirements
