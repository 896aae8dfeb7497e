// @ts-check
import { createHash, timingSafeEqual } from 'node:crypto'
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import fhirMcp, { defineTool } from 'fastify-fhir-mcp'
import { z } from 'zod'

const {
  FHIR_MCP_FHIR_BASE_URL: baseUrl = 'http://127.0.0.1:8080/fhir',
  FHIR_MCP_AUTH_ISSUER: issuer = 'https://login.example.org/realms/research',
  FHIR_MCP_AUTH_AUDIENCE: audience = 'http://127.0.0.1:8765/mcp',
  FHIR_MCP_AUTH_MAX_CLAIMS_AGE: maxClaimsAge = '900',
  OPERATOR_KEY: operatorKey = '',
  PORT: port = '8765',
} = process.env
if (operatorKey.length < 32) throw new Error('OPERATOR_KEY needs 32 characters: openssl rand -hex 32')

const app = Fastify({ logger: true, requestTimeout: 30_000 })

// The exchange itself, for programs of the operator. HAPI has no access rules: whoever has the key sees everything.
const digest = (/** @type {string} */ text) => createHash('sha256').update(text).digest()
const expected = digest(`Bearer ${operatorKey}`)
await app.register(proxy, {
  upstream: new URL(baseUrl).origin,
  prefix: '/fhir',
  rewritePrefix: new URL(baseUrl).pathname,
  preHandler(request, reply, done) {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) done()
    else reply.code(401).send({ error: 'operators only' })
  },
  // The key is ours: it goes no further.
  replyOptions: { rewriteRequestHeaders: (_, { authorization, ...headers }) => headers },
})

// The same exchange for assistants: each caller sees what the claims of the token permit.
await app.register(fhirMcp, {
  fhir: { baseUrl, credentials: 'none' },
  auth: { issuer, audience, maxClaimsAge: Number(maxClaimsAge) },
})

app.fhirMcp.tool(
  defineTool({
    name: 'get_study_title',
    title: 'Study title',
    description: 'The title of one study.',
    input: z.strictObject({ study_id: z.string() }),
    output: 'object',
    rule: { needs: [{ types: ['ResearchStudy', 'Group'] }], patients: false },
    subject: ({ study_id }) => ({ kind: 'study', study: study_id }),
    async run(_, { exchange, grant }) {
      const { studies } = await exchange.studies(grant)
      const title = studies[0]?.title
      return { structured: { title: title ?? null }, text: title ?? 'without a title' }
    },
  }),
)

await app.listen({ port: Number(port), host: '127.0.0.1' })
