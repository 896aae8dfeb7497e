import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import type { FhirVersion } from '../src/fhir/types.ts'
import { isCalendarDate, isReference, refersTo } from './fhir-grammar.ts'
import { brokenInvariants } from './fhir-invariants.ts'

interface Definition {
  allOf?: object[]
  discriminator?: { propertyName: string }
  readonly properties?: { readonly resourceType?: object }
}
interface Schema {
  readonly $id: string
  readonly definitions: Record<string, Definition>
}
interface Rules {
  /** What the StructureDefinitions say beyond the schema, for each of its definitions. */
  readonly definitions: Record<string, object>
  /** Every resource type of the version. */
  readonly types: readonly string[]
}

const validators = { R4: validatorsOf('r4'), R5: validatorsOf('r5') }

/**
 * Fails unless a resource is valid FHIR of this version: HL7's JSON schema, cardinalities and codes of its StructureDefinitions,
 * and the invariants. With FHIR_ANSWERS=<folder> the resource is also left there, for HL7's validator.
 */
export function expectValid(resource: unknown, version: FhirVersion): void {
  keep(resource, version)
  const faults = faultsOf(resource, version)
  expect(faults, faults.join('\n')).toEqual([])
}

/** The same for the structured answer of a tool: one resource, or a table or object that has no FHIR in it. */
export function expectValidAnswer(structured: Readonly<Record<string, unknown>>, version: FhirVersion): void {
  if (structured.resourceType !== undefined) expectValid(structured, version)
  else expect(JSON.stringify(structured)).not.toContain('"resourceType"')
}

/** What is wrong with a resource, a line each; empty for a valid one. */
export function faultsOf(resource: unknown, version: FhirVersion): string[] {
  const type = typeOf(resource)
  const validate = validators[version].get(type ?? '')
  if (validate === undefined) return [`${type ?? 'no resourceType'}: not a type that ${version} answers have`]
  validate(resource)
  return [...(validate.errors ?? []).map(said), ...brokenInvariants(resource)]
}

function typeOf(resource: unknown): string | undefined {
  if (typeof resource !== 'object' || resource === null || !('resourceType' in resource)) return undefined
  return String(resource.resourceType)
}

function said({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || '/'} ${message} ${JSON.stringify(params)}`
}

function validatorsOf(name: 'r4' | 'r5'): ReadonlyMap<string, ValidateFunction> {
  const schema: Schema = read(`${name}.schema.json`)
  const rules: Rules = read(`${name}.rules.json`)
  // Patterns of the R5 schema are not all what the unicode mode takes.
  const ajv = new Ajv({ strict: false, allErrors: true, discriminator: true, unicodeRegExp: false })
  ajv.addFormat('calendar', isCalendarDate)
  ajv.addFormat('reference', (text: string) => isReference(text, rules.types))
  ajv.addKeyword({ keyword: 'atMostOne', type: 'object', schemaType: 'array', validate: atMostOne })
  ajv.addKeyword({ keyword: 'targets', type: 'object', schemaType: 'array', validate: refersTo })
  for (const [definition, rule] of Object.entries(rules.definitions)) {
    const official = schema.definitions[definition]
    if (official !== undefined) official.allOf = [rule]
  }
  const { ResourceList: list, Reference: reference } = schema.definitions
  // Says what is wrong with the one type that a resource is of, not with all others.
  if (list !== undefined) list.discriminator = { propertyName: 'resourceType' }
  if (reference !== undefined) reference.allOf = [{ properties: { reference: { format: 'reference' } } }]
  ajv.addSchema(schema)
  const types = Object.entries(schema.definitions)
    .filter(([, { properties }]) => properties?.resourceType !== undefined)
    .map(([type]) => type)
  return new Map(types.map((type) => [type, ajv.compile({ $ref: `${schema.$id}#/definitions/${type}` })]))
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'fhir-schemas', file), 'utf8')) as T
}

function atMostOne(names: readonly string[], value: object): boolean {
  return names.filter((name) => name in value || `_${name}` in value).length <= 1
}

function keep(resource: unknown, version: FhirVersion): void {
  const folder = process.env.FHIR_ANSWERS
  if (folder === undefined || folder === '') return
  const text = JSON.stringify(resource, null, 1)
  const name = `${typeOf(resource)}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`
  mkdirSync(join(folder, version), { recursive: true })
  writeFileSync(join(folder, version, name), text)
}
