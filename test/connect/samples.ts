import type { Connection } from '../../src/connect/client.ts'

/** The connections of docs/connect.md. */
export const http: Connection = { transport: 'http', url: 'https://mcp.example.org/mcp' }

export const stdioVariables = {
  FHIR_MCP_AUTH_ISSUER: 'https://exchange.example.org/o',
  FHIR_MCP_AUTH_SOURCES: 'userinfo,exchange',
  FHIR_MCP_FHIR_BASE_URL: 'https://exchange.example.org/FHIR/R5',
  FHIR_MCP_FHIR_CREDENTIALS: 'forward',
  FHIR_MCP_LOGIN_CLIENT_ID: 'assistant',
}
export const stdio: Connection = { transport: 'stdio', env: stdioVariables }
