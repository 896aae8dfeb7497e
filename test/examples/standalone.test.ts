import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readEnvironment, valuesOf } from '../../src/config/env.ts'
import { Assistant } from '../broker/assistant.ts'
import { environmentIn, startStandalone } from '../cli/standalone.ts'
import { temporaryFolder } from '../login/machine.ts'
import { examples, startExample } from './example.ts'

const folder = join(examples, 'standalone-jupyterhealth')
const bin = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** The example in a folder of its own, as it is installed there, with the settings of a test in its file. */
function installed(settings: Readonly<Record<string, string>>): string {
  const here = temporaryFolder()
  cpSync(join(folder, 'start.sh'), join(here, 'start.sh'))
  mkdirSync(join(here, 'node_modules/.bin'), { recursive: true })
  const command = `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`
  writeFileSync(join(here, 'node_modules/.bin/fastify-fhir-mcp'), command, { mode: 0o755 })
  writeFileSync(join(here, 'client-secret'), settings.FHIR_MCP_BROKER_UPSTREAM_CLIENT_SECRET ?? '')
  const lines = readFileSync(join(folder, 'serve.env'), 'utf8').replace(
    /^(FHIR_MCP_\w+)=(?!\.\/).*$/gm,
    (line, name: string) => (settings[name] === undefined ? line : `${name}=${settings[name]}`),
  )
  writeFileSync(join(here, 'serve.env'), lines)
  return here
}

describe('the standalone example on a JupyterHealth Exchange', () => {
  it('has a file whose every variable there is', () => {
    const { FHIR_MCP_BROKER_UPSTREAM_CLIENT_SECRET_FILE: file, ...variables } = environmentIn(
      join(folder, 'serve.env'),
    )
    expect(file).toBe('./client-secret')
    expect(valuesOf(variables).size).toBe(Object.keys(variables).length)
    expect(() => readEnvironment({ ...variables, FHIR_MCP_ISSUER: 'x' })).toThrow('FHIR_MCP_ISSUER is not')
  })

  it('makes its secrets once, and signs a person in for a client that has nothing but the URL', async () => {
    const { environment, exchange, mcpUrl, origin } = await startStandalone()
    const apiUrl = `${exchange.origin}/api/v1`
    const here = installed({
      ...environment,
      FHIR_MCP_PUBLIC_URL: origin,
      FHIR_MCP_BROKER_CLAIMS_API_URL: apiUrl,
    })
    const server = startExample(['./start.sh'], {}, here)
    await server.shown(/Server listening/)
    expect(server.output()).toContain('New secrets of the broker are in broker.env; only you may read it.')
    const assistant = new Assistant(mcpUrl)
    await assistant.signIn()
    expect(await assistant.call('list_studies')).toContain('30006')
    server.kill()
    expect(await server.code).toBe(0)
    const secrets = readFileSync(join(here, 'broker.env'), 'utf8')
    const again = startExample(['./start.sh'], {}, here)
    await again.shown(/Server listening/)
    again.kill()
    expect(await again.code).toBe(0)
    expect(readFileSync(join(here, 'broker.env'), 'utf8')).toBe(secrets)
  })
})
