import type { CodeableConcept, Coding, Observation, SearchCode } from '../fhir/types.ts'
import { dataTypeTable } from './data-type-table.ts'
import { type LoincCode, loincDisplays } from './loinc.ts'
import { loincSystem, type Namespace, namespaceSystems, parseSchemaCode } from './systems.ts'
import type { DataType, Member } from './types/data-type.ts'

export type { LoincCode } from './loinc.ts'
export type { DataType, Member } from './types/data-type.ts'

/** What a code or a word names: a type, or one member of a type. */
export interface Measure {
  readonly type: DataType
  /** Undefined: the whole observation. */
  readonly member: Member | undefined
}

const byName = new Map(dataTypeTable.map((type) => [type.name, type]))
const bySynonym = new Map<string, Measure>(
  dataTypeTable.flatMap((type) => [
    ...type.synonyms.map((word) => [word, { type, member: undefined }] as const),
    ...type.members.flatMap((member) =>
      (member.synonyms ?? []).map((word) => [word, { type, member }] as const),
    ),
  ]),
)
// A code of two types (93832-4) is the first one's; a code of a whole observation goes before one of a member.
const byLoinc = firstOf([
  ...dataTypeTable.flatMap((type) =>
    [...type.loinc, ...type.otherLoinc].map((code) => [code, { type, member: undefined }] as const),
  ),
  ...dataTypeTable.flatMap((type) =>
    type.members.flatMap((member) =>
      member.loinc === undefined ? [] : [[member.loinc, { type, member }] as const],
    ),
  ),
])
const published = new Set(dataTypeTable.flatMap(openMHealthCodesOf).map(({ code }) => code))

function firstOf(pairs: readonly (readonly [string, Measure])[]): Map<string, Measure> {
  const found = new Map<string, Measure>()
  for (const [code, measure] of pairs) if (!found.has(code)) found.set(code, measure)
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
  return findMeasure(word)?.type
}

/** The same, and the member of the type where the word names only that: `systolic`, `8480-6`. */
export function findMeasure(word: string): Measure | undefined {
  const text = word.trim()
  const bar = text.lastIndexOf('|')
  if (bar !== -1) return measureOfCode(text.slice(0, bar), text.slice(bar + 1))
  const name = text.toLowerCase().replace(/[\s_-]+/g, '-')
  const schema = parseSchemaCode(text.toLowerCase())
  const type = byName.get(schema?.name ?? name)
  if (type !== undefined || schema !== undefined) return type && { type, member: undefined }
  return bySynonym.get(name) ?? byLoinc.get(text)
}

function measureOfCode(system: string, code: string): Measure | undefined {
  if (system === loincSystem) return byLoinc.get(code)
  const type = typeOfSchema(system, code)
  return type && { type, member: undefined }
}

function typeOfSchema(system: string, code: string): DataType | undefined {
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
    if (system === undefined || code === undefined) continue
    const type = typeOfSchema(system, code)
    if (type !== undefined) return { type, system }
  }
  return undefined
}

/**
 * What a concept's codings name: by an Open mHealth or IEEE code, else by a LOINC code. A version of a schema that was not
 * published is not searched for, and so it is not called by its type's name either.
 */
export function measureOf(concept: CodeableConcept | undefined): Measure | undefined {
  const codings = concept?.coding ?? []
  const schemas = codings.flatMap(({ system = '', code = '' }) => {
    const type = typeOfSchema(system, code)
    return type === undefined ? [] : [{ type, code }]
  })
  const known = schemas.find(({ code }) => published.has(code))
  if (known !== undefined) return { type: known.type, member: undefined }
  if (schemas.length > 0) return undefined
  for (const { system, code } of codings) {
    const measure = system === loincSystem ? byLoinc.get(code ?? '') : undefined
    if (measure !== undefined) return measure
  }
  return undefined
}

/** The type of any observation by its codings; one that is a member by itself (a systolic pressure alone) has its type too. */
export function dataTypeOf(observation: Observation): DataType | undefined {
  return measureOf(observation.code)?.type
}

/** LOINC of a type's whole observations, to search for. */
export function loincCodesOf(type: DataType): readonly SearchCode[] {
  return [...type.loinc, ...type.otherLoinc].map((code) => ({ system: loincSystem, code }))
}

/** LOINC of a type's members that writers make observations of their own of, to search for. */
export function memberCodesOf(type: DataType): readonly SearchCode[] {
  const codes = type.members.flatMap(({ loinc }) =>
    loinc !== undefined && byLoinc.get(loinc)?.type === type ? [loinc] : [],
  )
  return [...new Set(codes)].map((code) => ({ system: loincSystem, code }))
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
  return [...openMHealthCodesOf(type), ...loincCodesOf(type), ...memberCodesOf(type)]
}

/** A LOINC coding with its name. */
export function loincCoding(code: LoincCode): Coding {
  return { system: loincSystem, code, display: loincDisplays[code] }
}
