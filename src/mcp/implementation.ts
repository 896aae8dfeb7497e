/** How this server introduces itself in both protocol eras. The version is that of the package. */
export const implementation = {
  name: 'fastify-fhir-mcp',
  title: 'FHIR over MCP',
  version: '0.1.0',
} as const
