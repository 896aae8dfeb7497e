import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { z } from 'zod'

/** Where and with what a run was made. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  /** In GB. */
  readonly memory: number
  readonly system: string
  readonly node: string
  /** Versions of the packages that matter, by name. */
  readonly packages: Readonly<Record<string, string>>
}

const packages = [
  'fastify',
  '@modelcontextprotocol/sdk',
  '@modelcontextprotocol/server',
  'undici',
  'jose',
  '@fastify/http-proxy',
  'autocannon',
]
const packageSchema = z.object({ version: z.string() })

/** Describes this machine; `root` is the folder of the package. */
export function describeMachine(root: URL): Machine {
  const [first] = cpus()
  const versionOf = (path: string) =>
    packageSchema.parse(JSON.parse(readFileSync(new URL(path, root), 'utf8'))).version
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    packages: {
      'fastify-fhir-mcp': versionOf('package.json'),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(`node_modules/${name}/package.json`)])),
    },
  }
}
