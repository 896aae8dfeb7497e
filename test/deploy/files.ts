import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text as whole } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { parse as parseToml } from 'smol-toml'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { brokerSecrets } from '../../src/cli/broker-secrets.ts'
import { root } from './dockerfile.ts'

const folder = new URL('deploy/', root)

export const composeFiles = ['compose.hapi.yaml', 'compose.jupyterhealth.yaml'] as const
export const flyFiles = ['fly/mcp.fly.toml', 'fly/exchange.fly.toml'] as const

/** The text of a file of deploy/. */
export function textOf(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

export function yamlOf(name: string): unknown {
  return parseYaml(textOf(name), { merge: true })
}

export function tomlOf(name: string): unknown {
  return parseToml(textOf(name))
}

/** The values that are to be filled in, as the example has them. */
export function exampleValues(): Record<string, string> {
  const entries = Object.entries(parseEnv(textOf('.env.example')))
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

/** `${NAME}`, `${NAME:-default}` and `${NAME:?what it is}`, as compose fills them in. Throws for one that is required and missing. */
function interpolated(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest = '') => {
    const value = values[name] ?? ''
    if (value !== '') return value
    if (kind === '-') return rest
    if (kind === '?') throw new Error(`${name} is missing: ${rest}`)
    return ''
  })
}

const service = z.looseObject({
  image: z.string(),
  user: z.string().optional(),
  build: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.union([z.string(), z.object({ source: z.string(), target: z.string() })])).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  mem_limit: z.string().optional(),
  stop_grace_period: z.string().optional(),
})
const composeSchema = z.looseObject({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
})
export type Service = z.output<typeof service>

/** The same for every text within a value. */
function filled(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolated(value, values)
  if (Array.isArray(value)) return value.map((entry) => filled(entry, values))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]) => [name, filled(inner, values)])
  return Object.fromEntries(entries)
}

/** A compose file as it is with the example's values. */
export function composeOf(name: (typeof composeFiles)[number]) {
  return composeSchema.parse(filled(yamlOf(name), exampleValues()))
}

export const flySchema = z.looseObject({
  env: z.record(z.string(), z.string()),
  kill_signal: z.string(),
  kill_timeout: z.number(),
  build: z.object({ image: z.string() }).optional(),
  http_service: z.looseObject({ internal_port: z.number() }).optional(),
})

/** The objects of deploy/kubernetes.yaml. */
export function kubernetesObjects(): { readonly kind: string }[] {
  const documents = parseAllDocuments(textOf('kubernetes.yaml')).map((document) => document.toJS())
  return z.array(z.looseObject({ kind: z.string() })).parse(documents)
}

/** What `make-secrets.sh` makes in an empty folder, but for the client's secret, which an operator puts there; by name. */
export async function madeSecrets(empty: string, form: 'hapi' | 'jupyterhealth'): Promise<string> {
  const printed = new PassThrough()
  await brokerSecrets(undefined, printed.setEncoding('utf8'))
  printed.end()
  const broker = join(empty, 'broker.env')
  writeFileSync(broker, await whole(printed))
  const script = join(empty, 'deploy', 'make-secrets.sh')
  mkdirSync(join(empty, 'deploy'), { recursive: true })
  cpSync(fileURLToPath(new URL('make-secrets.sh', folder)), script)
  execFileSync(script, [form], {
    env: { PATH: process.env.PATH, BROKER_SECRETS: `cat ${broker}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(empty, 'deploy', 'secrets')
}

/** The files of deploy/ that are texts of ours, by their names there. */
export function allFiles(): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter(
    (name) => /\.(yaml|toml|sh|Caddyfile|example)$/.test(name) && !name.startsWith('secrets'),
  )
}
