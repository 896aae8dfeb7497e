import { describe, expect, it } from 'vitest'
import { unknownCommands, unknownVariables } from './commands.ts'
import { documents, textOf } from './markdown.ts'

describe('what the documents tell people to type', () => {
  it.each(documents())('%s: every command, option, script and variable is there', (document) => {
    expect(unknownCommands(document)).toEqual([])
    expect(unknownVariables(textOf(document))).toEqual([])
  })

  it('the control: what is not there is found, in blocks and in a line', () => {
    const text = [
      '    npx fastify-fhir-mcp serve --port 1 --prot 2',
      '',
      '```sh',
      'npx -y fastify-fhir-mcp run # fastify-fhir-mcp gone',
      'npm run nothing && npm run build',
      '```',
      'or `fastify-fhir-mcp signin`',
    ]
    expect(unknownCommands('README.md', text.join('\n'))).toEqual([
      'serve --prot',
      'fastify-fhir-mcp run',
      'npm run nothing',
      'fastify-fhir-mcp signin',
    ])
    expect(unknownVariables('FHIR_MCP_PORT FHIR_MCP_PROT FHIR_MCP_PORT_FILE FHIR_MCP_FORBIDDEN')).toEqual([
      'FHIR_MCP_PROT',
    ])
  })
})
