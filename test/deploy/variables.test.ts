import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { serveOptions } from '../../src/cli/serve-options.ts'
import {
  brokerVariables,
  commandOf,
  commandVariables,
  optionVariables,
  valuesOf,
} from '../../src/config/env.ts'
import { temporaryFolder } from '../login/machine.ts'
import { pairs, root, stages } from './dockerfile.ts'
import {
  allFiles,
  composeFiles,
  composeOf,
  flySchema,
  kubernetesObjects,
  madeSecrets,
  textOf,
  tomlOf,
} from './files.ts'

const known = new Set([
  ...[...optionVariables, ...brokerVariables].map(({ name }) => name),
  ...Object.keys(commandVariables),
])

const ofTheImage = () => pairs(stages().at(-1) ?? { image: '', name: '', instructions: [] }, 'ENV')
const configMap = () =>
  z
    .object({ data: z.record(z.string(), z.string()) })
    .parse(kubernetesObjects().find(({ kind }) => kind === 'ConfigMap')).data

/** What the server makes of the variables of a file, together with those of the image. `secrets` is the folder of the *_FILE ones. */
function served(environment: Readonly<Record<string, string>>, secrets: string) {
  const given = Object.entries({ ...ofTheImage(), ...environment }).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? join(secrets, basename(value)) : value,
  ])
  const values = valuesOf(Object.fromEntries(given))
  const { FHIR_MCP_HOST: host = '', FHIR_MCP_PORT: port } = commandOf(values)
  return serveOptions(values, { host, port: Number(port) })
}

describe('the variables of the deployment files', () => {
  it.each([...allFiles(), '../Dockerfile', '../docs/deployment.md'])(
    'are options that there are: %s',
    (name) => {
      const named = textOf(name).match(/FHIR_MCP_[A-Z0-9_]*[A-Z0-9]/g) ?? []
      expect(named.filter((one) => !known.has(one) && !known.has(one.replace(/_FILE$/, '')))).toEqual([])
    },
  )

  it('make a server that counts in Redis and seals cursors alike in every instance: HAPI', async () => {
    const secrets = await madeSecrets(temporaryFolder(), 'hapi')
    const { options, broker } = served(
      composeOf('compose.hapi.yaml').services.mcp?.environment ?? {},
      secrets,
    )
    expect(broker).toBeUndefined()
    expect(options).toMatchObject({
      publicUrl: 'https://mcp.example.org',
      sse: false,
      fhir: { baseUrl: 'http://hapi:8080/fhir', credentials: 'none' },
      limits: { redis: expect.stringMatching(/^redis:\/\/:[\w-]{43}@redis:6379$/) },
      results: { cursorKey: expect.stringMatching(/^[\w-]{43}$/) },
      audit: { sink: 'file', logKey: expect.stringMatching(/^[\w-]{43}$/) },
    })
    expect(readFileSync(join(secrets, 'redis-conf'), 'utf8')).toBe(
      `requirepass ${/:([\w-]{43})@/.exec(String(options.limits.redis))?.[1]}\n`,
    )
  })

  it('make a server with its broker before the exchange: JupyterHealth', async () => {
    const secrets = await madeSecrets(temporaryFolder(), 'jupyterhealth')
    writeFileSync(join(secrets, 'client-secret'), 'of the exchange')
    const { environment = {} } = composeOf('compose.jupyterhealth.yaml').services.mcp ?? {}
    const { options, broker } = served(environment, secrets)
    expect(options.fhir).toMatchObject({
      baseUrl: 'https://exchange.example.org/FHIR/R5',
      credentials: 'held',
    })
    expect(broker).toMatchObject({
      publicUrl: 'https://mcp.example.org',
      upstream: {
        issuer: 'https://exchange.example.org/o',
        clientId: 'mcp',
        clientSecret: 'of the exchange',
      },
      claims: { sources: ['userinfo', 'exchange'], apiUrl: 'https://exchange.example.org/api/v1' },
      storage: { redis: options.limits.redis },
      keys: [{ kty: 'EC', alg: 'ES256' }],
    })
  })

  it('make a server: Fly, whose secrets are variables', () => {
    const { env } = flySchema.parse(tomlOf('fly/mcp.fly.toml'))
    const { options } = served({ ...env, FHIR_MCP_LIMITS_REDIS: 'redis://default:p@redis.internal:6379' }, '')
    expect(options).toMatchObject({ audit: { descriptor: 1 }, fhir: { credentials: 'none' }, sse: false })
  })

  it('make a server: Kubernetes', async () => {
    const { options } = served(configMap(), await madeSecrets(temporaryFolder(), 'hapi'))
    expect(options).toMatchObject({ audit: { descriptor: 1 }, fhir: { credentials: 'none' }, sse: false })
  })

  it('are refused where one is unknown, as those are that Kubernetes makes for a Service: the control', () => {
    const links = { FHIR_MCP_SERVICE_HOST: '10.0.0.1' }
    const { env } = flySchema.parse(tomlOf('fly/mcp.fly.toml'))
    expect(() => served({ ...env, ...links }, '')).toThrow('FHIR_MCP_SERVICE_HOST is not a variable')
  })
})

describe('make-secrets.sh', () => {
  it.each(composeFiles)('makes every secret of %s but the one that the exchange gives', async (name) => {
    const form = name === 'compose.hapi.yaml' ? 'hapi' : 'jupyterhealth'
    const secrets = await madeSecrets(temporaryFolder(), form)
    const needed = Object.values(composeOf(name).secrets).map(({ file }) => basename(file))
    expect(needed.filter((one) => !existsSync(join(secrets, one)))).toEqual(
      form === 'hapi' ? [] : ['client-secret'],
    )
    expect(statSync(secrets).mode & 0o777).toBe(0o700)
    for (const one of readdirSync(secrets)) {
      expect(statSync(join(secrets, one)).mode & 0o777).toBe(one === 'exchange.env' ? 0o400 : 0o444)
      expect(readFileSync(join(secrets, one), 'utf8').length).toBeGreaterThan(40)
    }
  })

  it('never writes over a secret that is there', async () => {
    const folder = temporaryFolder()
    const read = (secrets: string) =>
      readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')])
    const first = read(await madeSecrets(folder, 'jupyterhealth'))
    expect(first.length).toBeGreaterThan(8)
    expect(read(await madeSecrets(folder, 'jupyterhealth'))).toEqual(first)
  })

  it('makes what git and the image leave out', () => {
    expect(textOf('.gitignore').split('\n')).toEqual(expect.arrayContaining(['.env', 'mcp.env', 'secrets/']))
    expect(readFileSync(new URL('.dockerignore', root), 'utf8')).not.toContain('deploy')
  })
})
