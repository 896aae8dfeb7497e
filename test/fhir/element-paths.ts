import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FhirVersion } from '../../src/fhir/types.ts'

/** One step into a resource. */
interface Step {
  readonly name: string
  readonly isList: boolean
}

/** An element of a type, by FHIR's own definitions. */
export interface ElementPath {
  readonly steps: readonly Step[]
  readonly kind: 'Reference' | 'CodeableReference' | 'Extension'
  /** Types that it may name; undefined: any. */
  readonly targets: readonly string[] | undefined
}

interface Property {
  readonly $ref?: string
  readonly items?: Property
  readonly type?: string
}
interface Rule {
  readonly targets?: readonly string[]
  readonly items?: Rule
  readonly properties?: { readonly reference?: Rule }
}
type Definitions<T> = Readonly<Record<string, { readonly properties?: Readonly<Record<string, T>> }>>

const kinds = ['Reference', 'CodeableReference', 'Extension'] as const

function read<T>(version: FhirVersion, what: 'schema' | 'rules'): Definitions<T> {
  const file = join(import.meta.dirname, '../fhir-schemas', `${version.toLowerCase()}.${what}.json`)
  return JSON.parse(readFileSync(file, 'utf8')).definitions
}

const schemas = { R4: read<Property>('R4', 'schema'), R5: read<Property>('R5', 'schema') }
const rules = { R4: read<Rule>('R4', 'rules'), R5: read<Rule>('R5', 'rules') }

/**
 * Every element of a type that is a Reference, a CodeableReference or an Extension, also those of primitive values
 * (`_status.extension`), each definition once on its way. What is within extensions is the extension's own.
 */
export function elementPaths(type: string, version: FhirVersion): ElementPath[] {
  const found: ElementPath[] = []
  const visit = (definition: string, before: readonly Step[], seen: readonly string[]) => {
    for (const [name, property] of Object.entries(schemas[version][definition]?.properties ?? {})) {
      const to = /\/(\w+)$/.exec(property.$ref ?? property.items?.$ref ?? '')?.[1]
      if (to === undefined || to === 'ResourceList' || name === 'contained') continue
      const steps = [...before, { name, isList: property.type === 'array' }]
      const kind = kinds.find((one) => one === to)
      if (kind !== undefined) found.push({ steps, kind, targets: targetsOf(version, definition, name) })
      if (kind === undefined && !seen.includes(to)) visit(to, steps, [...seen, to])
    }
  }
  visit(type, [], [type])
  return found
}

function targetsOf(version: FhirVersion, definition: string, name: string): readonly string[] | undefined {
  const rule = rules[version][definition]?.properties?.[name]
  const own = rule?.items ?? rule
  return own?.targets ?? own?.properties?.reference?.targets
}

/** The path as text. */
export function textOfPath({ steps }: ElementPath): string {
  return steps.map(({ name }) => name).join('.')
}

/** A resource with this value at a path, and nothing else. */
export function planted(type: string, { steps }: ElementPath, value: object) {
  const built = steps.reduceRight<object>(
    (inner, { name, isList }) => ({ [name]: isList ? [inner] : inner }),
    value,
  )
  return { resourceType: type, id: 'r', ...built }
}

/** What is at a path; undefined where nothing is any more. */
export function valueAt(resource: object, { steps }: ElementPath): unknown {
  return steps.reduce<unknown>((value, { name }) => {
    const holder = Array.isArray(value) ? value[0] : value
    const member = typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined
    return Array.isArray(member) ? member[0] : member
  }, resource)
}
