/**
 * `server.json` of the MCP registry: the npm package, started over stdio.
 *
 * @param {{ name: string, version: string, mcpName: string }} packageJson
 * @param {readonly import('./manifest.mjs').Setting[]} settings
 */
export function serverJsonOf({ name, version, mcpName }, settings) {
  return {
    $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    name: mcpName,
    title: 'FHIR over MCP',
    description: 'Studies, patients and observations of a FHIR server, within what your token permits',
    repository: { url: 'https://github.com/fastify-fhir-mcp/fastify-fhir-mcp', source: 'github' },
    websiteUrl: 'https://github.com/fastify-fhir-mcp/fastify-fhir-mcp',
    version,
    packages: [
      {
        registryType: 'npm',
        identifier: name,
        version,
        runtimeHint: 'npx',
        transport: { type: 'stdio' },
        packageArguments: [{ type: 'positional', value: 'stdio' }],
        environmentVariables: settings.map((setting) => ({
          name: setting.variable,
          description: setting.description,
          format: 'string',
          isRequired: setting.required ?? false,
          isSecret: setting.secret ?? false,
          ...(setting.default === undefined ? {} : { default: setting.default }),
          ...(setting.choices === undefined ? {} : { choices: setting.choices }),
        })),
      },
    ],
  }
}
