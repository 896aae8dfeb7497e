import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { getMcpConfigForManifest, MANIFEST_SCHEMAS, unpackExtension } from '@anthropic-ai/mcpb'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
let unpacked: string

// Thousands of files are packed: too slow for the ordinary suite.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-bundle-'))
  const script = join(root, 'scripts/bundle.mjs')
  const dist = process.env.BUNDLE_DIST ?? join(root, 'dist')
  await promisify(execFile)(process.execPath, [script, '--dist', dist, '--out', folder, '--check'], {
    maxBuffer: 2 ** 26,
  })
  unpacked = join(folder, 'unpacked')
  const mcpbPath = join(folder, `fastify-fhir-mcp-${packageJson.version}.mcpb`)
  expect(await unpackExtension({ mcpbPath, outputDir: unpacked, silent: true })).toBe(true)
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }), 120_000)

const manifestIn = (path: string) =>
  MANIFEST_SCHEMAS['0.3'].parse(JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')))

describe('the Claude Desktop bundle', () => {
  it('holds the build and the packages of production alone', () => {
    const has = (path: string) => statSync(join(unpacked, path), { throwIfNoEntry: false }) !== undefined
    expect(has('node_modules/fastify/package.json')).toBe(true)
    for (const name of ['vitest', 'typescript', '@types', '@anthropic-ai'])
      expect(has(`node_modules/${name}`)).toBe(false)
    for (const path of ['dist/test', 'dist/bench', 'dist/src/demo', 'dist/src/test-kit'])
      expect(has(path)).toBe(false)
  })

  it('speaks MCP over stdio in a clean folder, as the form is filled in', { timeout: 60_000 }, async () => {
    const issuer = await startIssuer()
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    onTestFinished(async () => {
      await issuer.close()
      await exchange.close()
    })
    const audience = 'https://mcp.example.org/mcp'
    const config = await getMcpConfigForManifest({
      manifest: manifestIn(unpacked),
      extensionPath: unpacked,
      systemDirs: {},
      pathSeparator: sep,
      userConfig: {
        fhir_base_url: exchange.url,
        fhir_credentials: 'none',
        auth_issuer: issuer.url,
        login_client_id: 'assistant',
        auth_audience: audience,
      },
    })
    const token = await issuer.token({ aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: config?.args ?? [],
        cwd: folder,
        stderr: 'ignore',
        env: {
          ...config?.env,
          FHIR_MCP_ACCESS_TOKEN: token,
          FHIR_MCP_AUDIT_PATH: join(folder, 'audit.ndjson'),
        },
      }),
    )
    onTestFinished(() => client.close())
    expect(client.getServerVersion()?.version).toBe(packageJson.version)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(manifestIn(unpacked).tools?.map(({ name }) => name))
    const studies = await client.callTool({ name: 'list_studies', arguments: {} })
    expect(studies.structuredContent).toMatchObject({ resourceType: 'Bundle', total: 1 })
  })
})
