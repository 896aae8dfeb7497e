// @ts-check
import Fastify from 'fastify'
import fhirMcp from 'fastify-fhir-mcp'
import { instrumentation } from './tracing.js'

const {
  FHIR_MCP_FHIR_BASE_URL: baseUrl = 'http://127.0.0.1:8080/fhir',
  FHIR_MCP_AUTH_ISSUER: issuer = 'https://login.example.org/realms/research',
  FHIR_MCP_AUTH_AUDIENCE: audience = 'http://127.0.0.1:8765/mcp',
  FHIR_MCP_AUTH_MAX_CLAIMS_AGE: maxClaimsAge = '900',
  PORT: port = '8765',
  METRICS_PORT: metricsPort = '9464',
} = process.env

const app = Fastify({ logger: true, requestTimeout: 30_000 })
await app.register(instrumentation.plugin())
await app.register(fhirMcp, {
  fhir: { baseUrl, credentials: 'none' },
  auth: { issuer, audience, maxClaimsAge: Number(maxClaimsAge) },
  // For Prometheus, on a port of its own that nobody but it reaches.
  metrics: { port: Number(metricsPort) },
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
