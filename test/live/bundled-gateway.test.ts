import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Format } from 'esbuild'
import { describe, expect, it, onTestFinished } from 'vitest'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { sizeOfPng } from '../charts/png.ts'
import { connectHttp } from '../e2e/clients.ts'
import { temporaryFolder } from '../login/machine.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const audience = 'https://mcp.test/mcp'
const program = `
  import Fastify from 'fastify'
  import fhirMcp from './dist/plugins/index.js'
  const main = async () => {
    const app = Fastify()
    await app.register(fhirMcp, JSON.parse(process.env.OPTIONS))
    console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
  }
  main()
`

/** A gateway as one file, in a folder without packages. */
async function bundled(format: Format, extension: string): Promise<string> {
  const outfile = join(temporaryFolder(), `gateway.${extension}`)
  await build({
    stdin: { contents: program, resolveDir: root },
    bundle: true,
    platform: 'node',
    format,
    outfile,
    logLevel: 'error',
    // What esbuild says to do for packages that call require from modules.
    ...(format === 'esm'
      ? {
          banner: {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
          },
        }
      : { logOverride: { 'empty-import-meta': 'silent' } }),
  })
  return outfile
}

describe('a gateway that esbuild made one file of', () => {
  it.each([
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ] as const)('draws charts, in a folder without packages (%s)', async (format, extension) => {
    const issuer = await startIssuer()
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const file = await bundled(format, extension)
    const options = {
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      auth: { issuer: issuer.url, audience },
      audit: { sink: 'off' },
    }
    const { PATH = '', NODE_OPTIONS = '' } = process.env
    const child = spawn(process.execPath, [file], {
      cwd: join(file, '..'),
      env: { PATH, NODE_OPTIONS, OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await issuer.close()
      await exchange.close()
    })
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    const token = await issuer.token({
      sub: 'ada',
      aud: audience,
      ...permissionsClaim({ studies: ['study-a'] }),
    })
    const client = await connectHttp(`${String(line).trim()}/mcp`, token)
    onTestFinished(() => client.close())
    const drawn = await client.call('chart_patient_observations', {
      patient_id: 'pat-2',
      data_types: ['heart-rate', 'blood-pressure'],
    })
    const image = drawn.content.find(({ type }) => type === 'image')
    expect(image, drawn.text).toMatchObject({ mimeType: 'image/png' })
    expect(sizeOfPng(Buffer.from(String(image?.data), 'base64')).width).toBeGreaterThan(1100)
  })
})
