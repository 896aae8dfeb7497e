import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { root } from './markdown.ts'

/** A folder outside the project in which the built package is installed, as a user has it; it goes with the test. */
export function startWorkshop(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-snippets-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules')).filter((one) => !one.startsWith('.'))) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  symlinkSync(root, join(modules, 'fastify-fhir-mcp'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return folder
}

/** What the snippets of the documents leave to the reader. */
const placeholders = `
import type { fastify, FastifyInstance } from 'fastify'
import type { FhirMcpOptions, fhirMcp as plugin } from 'fastify-fhir-mcp'
import type { BrokerOptions, broker as brokerPlugin } from 'fastify-fhir-mcp/broker'

declare global {
  const Fastify: typeof fastify
  const app: FastifyInstance
  const fhirMcp: typeof plugin
  const broker: typeof brokerPlugin
  const options: FhirMcpOptions
  const brokerOptions: BrokerOptions
  const baseUrl: string
  const audience: string
  const issuer: string
  const clientId: string
  const clientSecret: string
  const keys: BrokerOptions['keys']
  const cookieSecrets: string[]
  const encryptionKey: string
  const tokens: { for(issuer: string, subject: string, signal: AbortSignal): Promise<string> }
}
`

/** Packages that a reader installs and this project does not. */
const elsewhere = `
declare module '@opentelemetry/exporter-trace-otlp-http' {
  export class OTLPTraceExporter {}
}
declare module '@opentelemetry/sdk-node' {
  export class NodeSDK {
    constructor(options: { serviceName?: string; traceExporter?: object; instrumentations?: object[] })
    start(): void
    shutdown(): Promise<void>
  }
}
`

/**
 * Compiles all files of a workshop and other folders of the project, JavaScript too, nearly as strictly as the project itself. What they import
 * from the package are its sources. Returns the complaints about them, and none about the sources.
 */
export async function compile(folder: string, others: readonly string[]): Promise<string[]> {
  const packageAt = (path: string) => [join(root, path)]
  writeFileSync(join(folder, 'placeholders.d.ts'), placeholders)
  writeFileSync(join(folder, 'elsewhere.d.ts'), elsewhere)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        allowJs: true,
        checkJs: true,
        // A snippet need not use all that it shows, nor doubt each place of a list.
        noUnusedLocals: false,
        noUnusedParameters: false,
        noUncheckedIndexedAccess: false,
        typeRoots: [join(root, 'node_modules/@types')],
        paths: {
          'fastify-fhir-mcp': packageAt('plugins/index.ts'),
          'fastify-fhir-mcp/broker': packageAt('src/broker/index.ts'),
          'fastify-fhir-mcp/core': packageAt('src/core.ts'),
          'fastify-fhir-mcp/test-kit': packageAt('src/test-kit/index.ts'),
        },
      },
      include: ['**/*', ...others],
      exclude: ['node_modules'],
    }),
  )
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  const argv = [compiler, '-p', folder, '--pretty', 'false']
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: folder }).catch(
    (failed: { stdout: string }) => failed,
  )
  const ours = (line: string) =>
    /^\S.*\(\d+,\d+\): error/.test(line) && !/^\S*(\/|^)(src|plugins)\//.test(line)
  return stdout.split('\n').filter(ours)
}
