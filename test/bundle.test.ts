import { MANIFEST_SCHEMAS } from '@anthropic-ai/mcpb'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import settings from '../scripts/bundle/settings.json' with { type: 'json' }
import serverJson from '../server.json' with { type: 'json' }
import { commandVariables, optionVariables } from '../src/config/env.ts'
import { isSecretVariable } from '../src/config/secrets.ts'
import { builtIn } from '../src/mcp/built-in.ts'
import serverSchema from './registry-schema/server.schema.json' with { type: 'json' }

/** Scripts have no types; what they make is held against schemas. */
const made = async (name: string): Promise<Record<string, (...given: readonly unknown[]) => unknown>> =>
  import(new URL(`../scripts/bundle/${name}.mjs`, import.meta.url).href)
const { manifestOf = () => undefined } = await made('manifest')
const { serverJsonOf = () => undefined } = await made('server-json')

describe('the settings that clients ask for', () => {
  it('are options of this package, and secret where they hold one', () => {
    const known = new Map<string, { required: boolean; type?: unknown }>(
      optionVariables.map(({ name, leaf }) => [name, { required: leaf.required }]),
    )
    for (const name of Object.keys(commandVariables)) known.set(name, { required: false })
    for (const { variable, secret = false } of settings) {
      expect([variable, known.has(variable)]).toEqual([variable, true])
      expect([variable, secret]).toEqual([variable, isSecretVariable(variable)])
    }
    const required = optionVariables.filter(({ leaf }) => leaf.required).map(({ name }) => name)
    const asked = settings.flatMap(({ variable, required: needed }) => (needed === true ? [variable] : []))
    expect(asked).toEqual(expect.arrayContaining(required))
  })
})

describe('the manifest of the Claude Desktop bundle', () => {
  const manifest = MANIFEST_SCHEMAS['0.3'].parse(
    manifestOf(packageJson, settings, [...builtIn().tools.values()]),
  )

  it('is of the schema, of this version, with every variable bound to the form', () => {
    expect(manifest.version).toBe(packageJson.version)
    const { env = {} } = manifest.server.mcp_config
    expect(Object.keys(env)).toEqual(settings.map(({ variable }) => variable))
    const keys = Object.values(env).map((value) => /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1])
    expect(keys).toEqual(Object.keys(manifest.user_config ?? {}))
  })

  it('has a value for what is left empty, which must not reach the server as the name of the setting', () => {
    for (const option of Object.values(manifest.user_config ?? {})) {
      expect(option.required === true || option.default !== undefined).toBe(true)
    }
  })

  it('marks what is secret', () => {
    const secrets = Object.entries(manifest.user_config ?? {}).filter(([, { sensitive }]) => sensitive)
    expect(secrets.map(([key]) => key)).toEqual(['login_client_secret'])
  })
})

describe('server.json', () => {
  const ajv = new Ajv({ strict: false })
  addFormats.default(ajv)
  ajv.addFormat('uri-template', true)
  const validate = ajv.compile(serverSchema)

  it('is valid by the schema of the registry, which refuses one that is not', () => {
    expect([validate(serverJson), validate.errors]).toEqual([true, null])
    expect(validate({ ...serverJson, name: 'no-namespace' })).toBe(false)
  })

  it('is what the script makes', () => {
    expect(serverJsonOf(packageJson, settings)).toEqual(serverJson)
  })

  it('is of this package and version, by the name that the package claims', () => {
    expect(serverJson.version).toBe(packageJson.version)
    expect(serverJson.packages).toMatchObject([
      { identifier: packageJson.name, version: packageJson.version },
    ])
    expect(packageJson).toMatchObject({ mcpName: serverJson.name })
  })
})
