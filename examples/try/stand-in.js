// @ts-check
// An exchange with invented people and an issuer, on this machine, for trying the other examples. Both end with it.
import { writeFileSync } from 'node:fs'
import { permissionsClaim, startExchange, startIssuer } from 'fastify-fhir-mcp/test-kit'

const [file = 'stand-in.env', audience = 'http://127.0.0.1:8765/mcp'] = process.argv.slice(2)

const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
const issuer = await startIssuer()
const token = await issuer.token(
  {
    sub: 'maya',
    aud: audience,
    ...permissionsClaim({ studies: ['study-a', 'study-c'], organizations: { 'org-1': 'manager' } }),
  },
  { expiresIn: 8 * 3600 },
)

const variables = {
  FHIR_MCP_FHIR_BASE_URL: exchange.url,
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: issuer.url,
  FHIR_MCP_AUTH_AUDIENCE: audience,
  // The claims of this token are not renewed by anybody, so they may grow as old as it.
  FHIR_MCP_AUTH_MAX_CLAIMS_AGE: String(8 * 3600),
  FHIR_MCP_ACCESS_TOKEN: token,
}
const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
writeFileSync(file, lines.join(''), { mode: 0o600 })
console.log(`exchange  ${exchange.url}`)
console.log(`issuer    ${issuer.url}`)
console.log(`${file} has what a gateway and a client need. Ctrl-C ends it.`)
