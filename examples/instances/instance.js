// @ts-check
// One of several processes that answer for one address. What they have to agree on is in Redis, or the same in all of them.
import Fastify from 'fastify'
import fhirMcp from 'fastify-fhir-mcp'

const {
  FHIR_MCP_FHIR_BASE_URL: baseUrl = 'http://127.0.0.1:8080/fhir',
  FHIR_MCP_AUTH_ISSUER: issuer = 'https://login.example.org/realms/research',
  FHIR_MCP_AUTH_AUDIENCE: audience = 'http://127.0.0.1:8765/mcp',
  FHIR_MCP_AUTH_MAX_CLAIMS_AGE: maxClaimsAge = '900',
  REDIS_URL: redis = 'redis://127.0.0.1:6379',
  CURSOR_KEY: cursorKey,
  CALLS_PER_MINUTE: callsPerMinute = '300',
  PORT: port = '8765',
} = process.env
if (cursorKey === undefined)
  throw new Error('CURSOR_KEY is missing: openssl rand -base64 32 | tr +/ -_ | tr -d =')

const app = Fastify({ logger: true, requestTimeout: 30_000, trustProxy: '127.0.0.1' })
await app.register(fhirMcp, {
  fhir: { baseUrl, credentials: 'none' },
  auth: { issuer, audience, maxClaimsAge: Number(maxClaimsAge) },
  // The next page may be asked of another process.
  results: { cursorKey },
  // A caller has so many calls a minute of all of them together.
  limits: { redis, callsPerPrincipal: Number(callsPerMinute) },
  // HTTP+SSE keeps a stream in one process, so it does not go with several.
  sse: false,
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
