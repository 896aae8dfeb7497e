import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { brokerSchema } from '../../src/broker/options.ts'
import { brokerVariables, commandVariables, optionVariables, valuesOf } from '../../src/config/env.ts'
import { optionsSchema } from '../../src/config/options.ts'

interface Member {
  readonly type?: unknown
  readonly enum?: unknown
  readonly properties?: Readonly<Record<string, Member>>
  readonly anyOf?: readonly Member[]
}
const memberSchema: z.ZodType<Member> = z.lazy(() =>
  z.looseObject({
    type: z.unknown().exactOptional(),
    enum: z.unknown().exactOptional(),
    properties: z.record(z.string(), memberSchema).exactOptional(),
    anyOf: z.array(memberSchema).exactOptional(),
  }),
)

/** The settings of a schema as zod's own JSON Schema has them: groups are opened, also where one is a choice of several. */
function settings(member: Member, path = ''): string[] {
  const { properties } = member.anyOf?.find((choice) => choice.properties !== undefined) ?? member
  if (properties === undefined) {
    // A function, or an object of the gateway's: nothing that a text can say.
    const isCode = member.type === undefined && member.enum === undefined && member.anyOf === undefined
    return isCode ? [] : [path.slice(1)]
  }
  return Object.entries(properties).flatMap(([name, inner]) => settings(inner, `${path}.${name}`))
}

const settingsOf = (schema: z.ZodType) =>
  settings(memberSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })))
const paths = (variables: typeof optionVariables) => variables.map(({ leaf }) => leaf.path.join('.'))

describe('serve', () => {
  it('has a variable for every option of the plugin that a text can say', () => {
    const options = settingsOf(optionsSchema)
    expect(options.length).toBeGreaterThan(70)
    expect(options.filter((option) => !paths(optionVariables).includes(option))).toEqual([])
  })

  it('has one for every option of the broker but those that are the plugin’s', () => {
    const options = settingsOf(brokerSchema)
    expect(options.length).toBeGreaterThan(30)
    expect(options.filter((option) => !paths(brokerVariables).includes(option))).toEqual([
      'publicUrl',
      'resource',
    ])
  })

  it('takes each of them from a file as well', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'secret')
    writeFileSync(file, 'of a file\n')
    const names = [...optionVariables, ...brokerVariables].map(({ name }) => name)
    const all = [...names, ...Object.keys(commandVariables)]
    const values = valuesOf(Object.fromEntries(all.map((name) => [`${name}_FILE`, file])))
    expect([...values]).toEqual(all.map((name) => [name, 'of a file']))
  })
})
