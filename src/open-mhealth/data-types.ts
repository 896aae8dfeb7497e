import type { Coding, Observation, SearchCode } from '../fhir/types.ts'
import { type DataType, dataTypeTable, type LoincCode, loincDisplays } from './data-type-table.ts'
import { loincSystem, type Namespace, namespaceSystems, parseSchemaCode } from './systems.ts'

export type { DataType, LoincCode, Member } from './data-type-table.ts'

const byName = new Map(dataTypeTable.map((type) => [type.name, type]))
const bySynonym = new Map(dataTypeTable.flatMap((type) => type.synonyms.map((word) => [word, type] as const)))
// A code of two types (93832-4) is the first one's; a code of a whole observation goes before one of a component.
const byLoinc = firstOf(dataTypeTable.flatMap((type) => type.loinc.map((code) => [code, type] as const)))
const byComponentLoinc = firstOf(
  dataTypeTable.flatMap(({ members }, at) =>
    members.flatMap(({ loinc }) => (loinc === undefined ? [] : [[loinc, dataTypeTable[at]] as const])),
  ),
)

function firstOf(pairs: readonly (readonly [string, DataType | undefined])[]): Map<string, DataType> {
  const found = new Map<string, DataType>()
  for (const [code, type] of pairs) if (type !== undefined && !found.has(code)) found.set(code, type)
  return found
}

/** Every type of data that is understood, in the order of their names. */
export function dataTypes(): readonly DataType[] {
  return dataTypeTable
}

/**
 * The type that a word names: its short name (any case; `_` and spaces as `-`), a LOINC code (`8867-4`, or with its
 * system before a `|`; a component's too), a code of its schema in any version (`omh:heart-rate:2.0`, or with its
 * system), or another English word for it. Undefined where nothing fits.
 */
export function findDataType(word: string): DataType | undefined {
  const text = word.trim()
  const bar = text.lastIndexOf('|')
  if (bar !== -1) return typeOfCode(text.slice(0, bar), text.slice(bar + 1), true)
  const name = text.toLowerCase().replace(/[\s_-]+/g, '-')
  const schema = parseSchemaCode(text.toLowerCase())
  if (schema !== undefined) return byName.get(schema.name)
  return byName.get(name) ?? bySynonym.get(name) ?? byLoinc.get(text) ?? byComponentLoinc.get(text)
}

function typeOfCode(system: string, code: string, components: boolean): DataType | undefined {
  if (system === loincSystem)
    return byLoinc.get(code) ?? (components ? byComponentLoinc.get(code) : undefined)
  const schema = parseSchemaCode(code)
  return schema !== undefined && namespaceSystems[schema.namespace] === system
    ? byName.get(schema.name)
    : undefined
}

/** A schema that a resource is coded with: its type, and the code system that its members are named in. */
export interface CodedSchema {
  readonly type: DataType
  readonly system: string
}

/** The first schema that an observation's codings name and that is understood. */
export function schemaOf(observation: Observation): CodedSchema | undefined {
  for (const { system, code } of observation.code?.coding ?? []) {
    if (system === undefined || code === undefined || system === loincSystem) continue
    const type = typeOfCode(system, code, false)
    if (type !== undefined) return { type, system }
  }
  return undefined
}

/** The type of any observation by its codings: that of its Open mHealth or IEEE code, else of a LOINC code. */
export function dataTypeOf(observation: Observation): DataType | undefined {
  const schema = schemaOf(observation)
  if (schema !== undefined) return schema.type
  for (const { system, code } of observation.code?.coding ?? []) {
    const type = system === loincSystem ? byLoinc.get(code ?? '') : undefined
    if (type !== undefined) return type
  }
  return undefined
}

/** LOINC of a type's whole observations, to search for. */
export function loincCodesOf(type: DataType): readonly SearchCode[] {
  return type.loinc.map((code) => ({ system: loincSystem, code }))
}

/** The published Open mHealth and IEEE codes of a type, newest version first, to search for. */
export function openMHealthCodesOf(type: DataType): readonly SearchCode[] {
  const namespaces: readonly Namespace[] = ['omh', 'ieee']
  return namespaces.flatMap((namespace) =>
    type.versions[namespace].toReversed().map((version) => ({
      system: namespaceSystems[namespace],
      code: `${namespace}:${type.name}:${version}`,
    })),
  )
}

/** Every code that a type is searched by. */
export function searchCodesOf(type: DataType): readonly SearchCode[] {
  return [...openMHealthCodesOf(type), ...loincCodesOf(type)]
}

/** A LOINC coding with its name. */
export function loincCoding(code: LoincCode): Coding {
  return { system: loincSystem, code, display: loincDisplays[code] }
}
