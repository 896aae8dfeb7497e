/** The version of the manifest that Claude Desktop reads: the last that is not marked as experimental. */
const manifestVersion = '0.3'
const entryPoint = 'dist/src/cli/main.js'

/**
 * The manifest of the Claude Desktop bundle. A setting that is left empty counts as not given: without a default, the name of the
 * setting itself would be put into the variable.
 *
 * @param {{ version: string, description: string, license: string, keywords: string[], engines: { node: string } }} packageJson
 * @param {readonly Setting[]} settings
 * @param {readonly { name: string, description: string }[]} tools
 *
 * @typedef {{ variable: string, title: string, description: string, required?: boolean, secret?: boolean, default?: string, choices?: string[] }} Setting
 */
export function manifestOf(packageJson, settings, tools) {
  const { version, description, license, keywords, engines } = packageJson
  const home = 'https://github.com/fastify-fhir-mcp/fastify-fhir-mcp'
  return {
    manifest_version: manifestVersion,
    name: 'fastify-fhir-mcp',
    display_name: 'FHIR over MCP',
    version,
    description,
    long_description:
      'Ask for studies, patients and observations of a FHIR server (a JupyterHealth Exchange, or HAPI style in R4 and R5). The first question opens your browser to sign in; afterwards you see what your permissions let you see, and nothing else.',
    author: { name: 'The authors of fastify-fhir-mcp', url: home },
    repository: { type: 'git', url: `${home}.git` },
    homepage: home,
    documentation: `${home}/blob/main/docs/connect.md`,
    support: `${home}/issues`,
    server: {
      type: 'node',
      entry_point: entryPoint,
      mcp_config: {
        command: 'node',
        args: [`\${__dirname}/${entryPoint}`, 'stdio'],
        env: Object.fromEntries(
          settings.map((setting) => [setting.variable, `\${user_config.${keyOf(setting)}}`]),
        ),
      },
    },
    tools: tools.map(({ name, description: about }) => ({ name, description: about })),
    keywords,
    license,
    compatibility: { platforms: ['darwin', 'win32', 'linux'], runtimes: { node: engines.node } },
    user_config: Object.fromEntries(settings.map((setting) => [keyOf(setting), optionOf(setting)])),
  }
}

/** @param {Setting} setting */
function keyOf({ variable }) {
  return variable.replace(/^FHIR_MCP_/, '').toLowerCase()
}

/** @param {Setting} setting */
function optionOf({ title, description, required = false, secret = false, default: fallback }) {
  return {
    type: 'string',
    title,
    description,
    required,
    sensitive: secret,
    ...(required && fallback === undefined ? {} : { default: fallback ?? '' }),
  }
}
