import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { valuesOf } from '../../src/config/env.ts'
import { temporaryFolder } from '../login/machine.ts'
import { examples, finishedExample, readmeOf, steady } from './example.ts'
import { standInHere } from './stand-in.ts'

const bin = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const setUp = () => JSON.parse(readFileSync(join(examples, 'stdio/mcp.json'), 'utf8')).mcpServers.fhir

describe('the example over stdio', () => {
  it('has a set-up whose every variable there is, for the command that is published', () => {
    const { command, args, env } = setUp()
    expect([command, ...args]).toEqual(['npx', '-y', 'fastify-fhir-mcp', 'stdio'])
    expect(valuesOf(env).size).toBe(5)
    expect(() => valuesOf({ ...env, FHIR_MCP_BASE_URL: 'x' })).toThrow('FHIR_MCP_BASE_URL is not a variable')
  })

  it('answers a client that starts it by such a set-up, and says what its README shows', async () => {
    const file = join(temporaryFolder(), 'mcp.json')
    const env = { ...(await standInHere()), XDG_STATE_HOME: process.env.XDG_STATE_HOME ?? '' }
    const fhir = { command: process.execPath, args: [bin, 'stdio'], env }
    writeFileSync(file, JSON.stringify({ mcpServers: { fhir } }))
    const argv = [process.execPath, 'stdio/ask.js', file, 'fhir', 'get_study_count'] as const
    const { code, output } = await finishedExample(argv)
    expect(code, output).toBe(0)
    const said = output.split('\n').filter((line) => !line.startsWith('{'))
    expect(readmeOf('stdio')).toContain(steady(said.join('\n')))
  })
})
