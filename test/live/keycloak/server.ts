import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import envPaths from 'env-paths'
import { freePort } from '../../../src/demo/gateway.ts'

const version = process.env.KEYCLOAK_VERSION ?? '26.7.0'
const cache = join(envPaths('fastify-fhir-mcp', { suffix: '' }).cache, 'keycloak')
const administrator = { name: 'admin', password: 'the-password-of-a-test' }

/** Why no Keycloak can be started here; undefined where one can. */
export const noKeycloak = reason()

function reason(): string | undefined {
  if (process.env.KEYCLOAK_LIVE !== '1')
    return 'KEYCLOAK_LIVE is not 1 (it fetches and starts a Keycloak, which takes minutes)'
  const needed = [
    ['java', '-version'],
    ['mvn', '--version'],
    ['bash', '--version'],
    ['openssl', 'version'],
  ] as const
  const missing = needed.filter(([program, argument]) => spawnSync(program, [argument]).status !== 0)
  if (missing.length > 0) return `${missing.map(([program]) => program).join(', ')} cannot be run`
  return undefined
}

/** A Keycloak without a realm, with its database in memory. */
export interface Keycloak {
  readonly origin: string
  /** A folder for the files that the commands make; they run there. */
  readonly folder: string
  /** Runs a program of bash, with `kcadm.sh` in its path; what it wrote. */
  run(program: string): Promise<string>
  close(): Promise<void>
}

/** Fetches the distribution by Maven where the cache has none, starts it on a free port of loopback, and waits until it listens. */
export async function startKeycloak(): Promise<Keycloak> {
  const bin = join(await distribution(), 'bin')
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-keycloak-'))
  const port = await freePort()
  const options = ['start-dev', '--db', 'dev-mem', '--http-host', '127.0.0.1', '--http-port', String(port)]
  const own = {
    PATH: [bin, process.env.PATH].join(delimiter),
    ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
  }
  const child = spawn('bash', [join(bin, 'kc.sh'), ...options], {
    // `kc.sh` is a shell around Java: both end with their group.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...own,
      HOME: folder,
      KC_BOOTSTRAP_ADMIN_USERNAME: administrator.name,
      KC_BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx700m',
    },
  })
  const gone = once(child, 'exit')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  while (!output.includes('Listening on:')) {
    if (child.exitCode !== null) throw new Error(output)
    await Promise.race([once(child.stdout, 'data'), gone])
  }
  const environment = { ...own, HOME: folder, KC_CLI_PASSWORD: administrator.password, KC_OPTS: '-Xmx128m' }
  return {
    origin: `http://127.0.0.1:${port}`,
    folder,
    async run(program) {
      const ran = promisify(execFile)('bash', ['-euc', program], { cwd: folder, env: environment })
      return (await ran).stdout
    },
    async close() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function distribution(): Promise<string> {
  const folder = join(cache, `keycloak-${version}`)
  if (existsSync(join(folder, 'bin', 'kc.sh'))) return folder
  mkdirSync(cache, { recursive: true })
  console.log(`keycloak: fetching ${version} by Maven into ${cache}`)
  const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`
  const goal = ['-q', '-B', 'dependency:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${cache}`]
  await promisify(execFile)('mvn', goal, { cwd: cache })
  return folder
}
