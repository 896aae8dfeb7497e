import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { composeFiles, flyFiles, kubernetesObjects, tomlOf, yamlOf } from './files.ts'

const schemaOf = (name: string) =>
  z.looseObject({}).parse(JSON.parse(readFileSync(new URL(`schemas/${name}`, import.meta.url), 'utf8')))

type Validate = NonNullable<ReturnType<Ajv['getSchema']>>

/** What is wrong, in words; none where all is well. */
function errorsOf(validate: Validate, value: unknown): string[] {
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
  )
}

const compose = formats
  .default(new Ajv2020({ strict: false, allErrors: true }))
  .compile(schemaOf('compose-spec.json'))
const fly = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schemaOf('fly.json'))

const kubernetesSchema = schemaOf('kubernetes.json')
const kinds = z.record(z.string(), z.string()).parse(kubernetesSchema.kinds)
const kubernetes = new Ajv({
  strict: false,
  allErrors: true,
  formats: { int32: true, int64: true, 'date-time': true, byte: true, double: true },
})
kubernetes.addSchema({ ...kubernetesSchema, $id: 'kubernetes' })

function kubernetesErrors(object: { readonly kind: string }): string[] {
  const validate = kubernetes.getSchema(`kubernetes#/definitions/${kinds[object.kind]}`)
  if (validate === undefined) return [`${object.kind} is not a kind that is known here`]
  return errorsOf(validate, object)
}

describe('the compose files', () => {
  it.each([...composeFiles, 'compose.hapi.load.yaml'])('%s is one by the Compose Specification', (name) => {
    expect(errorsOf(compose, yamlOf(name))).toEqual([])
  })

  it('are refused with a member that there is not: the control', () => {
    const file = z
      .looseObject({ services: z.record(z.string(), z.looseObject({})) })
      .parse(yamlOf('compose.hapi.yaml'))
    file.services.mcp = { ...file.services.mcp, readonly: true }
    expect(errorsOf(compose, file).join()).toContain('"unevaluatedProperty":"readonly"')
  })
})

describe('the files for Fly', () => {
  it.each(flyFiles)('%s has the members that its documentation has', (name) => {
    expect(errorsOf(fly, tomlOf(name))).toEqual([])
  })

  it('are refused with a member that there is not: the control', () => {
    const file = { ...z.looseObject({}).parse(tomlOf('fly/mcp.fly.toml')), kill_time: 1 }
    expect(errorsOf(fly, file).join()).toContain('"additionalProperty":"kill_time"')
  })
})

describe('the objects for Kubernetes', () => {
  it.each(kubernetesObjects().map((object) => [object.kind, object] as const))(
    '%s is one by the API of Kubernetes',
    (_, object) => {
      expect(kubernetesErrors(object)).toEqual([])
    },
  )

  it('are refused with a member that there is not: the control', () => {
    const service = { kind: 'Service', apiVersion: 'v1', spec: { port: 80 } }
    expect(kubernetesErrors(service).join()).toContain('"additionalProperty":"port"')
  })
})
