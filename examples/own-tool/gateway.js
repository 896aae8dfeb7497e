// @ts-check
import Fastify from 'fastify'
import fhirMcp from 'fastify-fhir-mcp'
import { listOverduePatients } from './overdue-patients.js'

const {
  FHIR_MCP_FHIR_BASE_URL: baseUrl = 'http://127.0.0.1:8080/fhir',
  FHIR_MCP_AUTH_ISSUER: issuer = 'https://login.example.org/realms/research',
  FHIR_MCP_AUTH_AUDIENCE: audience = 'http://127.0.0.1:8765/mcp',
  FHIR_MCP_AUTH_MAX_CLAIMS_AGE: maxClaimsAge = '900',
  PORT: port = '8765',
} = process.env

const app = Fastify({ logger: true, requestTimeout: 30_000 })
await app.register(fhirMcp, {
  fhir: { baseUrl, credentials: 'none' },
  auth: { issuer, audience, maxClaimsAge: Number(maxClaimsAge) },
})
app.fhirMcp.tool(listOverduePatients)
await app.listen({ port: Number(port), host: '127.0.0.1' })
