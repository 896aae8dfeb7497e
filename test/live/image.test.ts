import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { startStandalone } from '../cli/standalone.ts'
import { buildImage, type Image, isRoot, type Started } from './image.ts'

let image: Image

beforeAll(async () => {
  image = await buildImage()
}, 600_000)
afterAll(() => image?.remove(), 120_000)

/** Starts the image; it is stopped at the latest when the test is over. */
async function started(environment: Readonly<Record<string, string>>): Promise<Started> {
  const child = image.start(environment)
  onTestFinished(async () => void (await child.stop()))
  await child.listening()
  return child
}

/** Every file below a folder that somebody owns. */
function ownedBy(uid: number, folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(folder, name)
    return existsSync(path) && statSync(path).isFile() && statSync(path).uid === uid
  })
}

function statusOf(port: number, path: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => resolve(response.resume().statusCode)
    request({ port, path, host: '127.0.0.1', headers: { host } }, answered).on('error', reject).end()
  })
}

describe.runIf(process.platform === 'linux')(
  'the image, by the steps of the Dockerfile',
  { timeout: 60_000 },
  () => {
    it('answers as its own user from folders that it cannot write, keeps the audit, and ends at its stop signal', async () => {
      const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
      const issuer = await startIssuer()
      onTestFinished(async () => {
        await exchange.close()
        await issuer.close()
      })
      const port = await freePort()
      const mcpUrl = `http://127.0.0.1:${port}/mcp`
      const environment = {
        FHIR_MCP_HOST: '127.0.0.1',
        FHIR_MCP_PORT: String(port),
        FHIR_MCP_PUBLIC_URL: `http://127.0.0.1:${port}`,
        FHIR_MCP_FHIR_BASE_URL: exchange.url,
        FHIR_MCP_FHIR_CREDENTIALS: 'none',
        FHIR_MCP_AUTH_ISSUER: issuer.url,
      }
      expect(await image.healthcheck(environment)).toBe(1)
      const child = await started(environment)
      expect(await image.healthcheck(environment)).toBe(0)
      // Probes of Kubernetes and Fly come to the address of the instance, whatever the public name is.
      for (const path of ['/health', '/ready']) expect(await statusOf(port, path, '10.1.2.3:8765')).toBe(200)
      expect(await statusOf(port, '/mcp', '10.1.2.3:8765')).toBe(403)

      const token = await issuer.token({
        sub: 'ada',
        aud: mcpUrl,
        ...permissionsClaim({ studies: ['study-a'] }),
      })
      const client = new Client({ name: 'test', version: '1' })
      await client.connect(
        new StreamableHTTPClientTransport(new URL(mcpUrl), {
          requestInit: { headers: { authorization: `Bearer ${token}` } },
        }),
      )
      onTestFinished(() => client.close())
      exchange.reset()
      const denied = await client.callTool({ name: 'get_study_metadata', arguments: { study_id: 'study-b' } })
      expect(JSON.stringify(denied.structuredContent)).toContain('FHIR_MCP_FORBIDDEN')
      expect(exchange.count).toBe(0)
      const studies = await client.callTool({ name: 'list_studies', arguments: {} })
      expect(studies.structuredContent).toMatchObject({ resourceType: 'Bundle', total: 1 })

      await client.close()
      expect(await child.stop()).toEqual([0, null])
      expect(child.stdout()).toBe('')
      const kept = image.path('/var/lib/fastify-fhir-mcp/audit.ndjson')
      const lines = readFileSync(kept, 'utf8').trim().split('\n')
      expect(lines.map((line) => JSON.parse(line).outcome)).toEqual(['denied', 'allowed'])
      expect(statSync(kept).mode & 0o777).toBe(0o600)
      if (isRoot)
        expect(ownedBy(image.uid, image.path('/'))).toEqual(['var/lib/fastify-fhir-mcp/audit.ndjson'])
    })

    it('cannot write where its programs are, and can where its volume is: the control', async () => {
      const write = (path: string) =>
        image.run(['/nodejs/bin/node', '-e', `fs.writeFileSync(${JSON.stringify(path)}, '')`])
      const created = image.path('/var/lib/fastify-fhir-mcp/control')
      expect(await write('written')).not.toBe(0)
      expect(await write('dist/src/cli/main.js')).not.toBe(0)
      expect(await write(created)).toBe(0)
      if (isRoot) expect(statSync(created)).toMatchObject({ uid: image.uid, gid: image.gid })
    })

    it('has the broker and Redis in it, and nothing that builds, tests or installs', async () => {
      const standalone = await startStandalone()
      const child = await started({ ...standalone.environment, FHIR_MCP_HOST: '127.0.0.1' })
      const discovery = await fetch(`${standalone.origin}/oauth/.well-known/openid-configuration`)
      expect(discovery.status).toBe(200)
      expect(await child.stop()).toEqual([0, null])
      expect(
        await image.run(['/nodejs/bin/node', '--input-type=module', '-e', "await import('redis')"]),
      ).toBe(0)
      const packages = readdirSync(image.path('/app/node_modules'))
      expect(packages).toContain('fastify')
      for (const name of ['npm', 'typescript', 'vitest', '@biomejs', 'playwright-core']) {
        expect(packages).not.toContain(name)
      }
      expect(readdirSync(image.path('/app')).sort()).toEqual([
        'LICENSE',
        'dist',
        'node_modules',
        'package.json',
      ])
    })
  },
)
