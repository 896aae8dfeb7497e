import { fhirMcpError } from '../../errors.ts'
import type { SearchCode } from '../../fhir/types.ts'
import { type DataType, dataTypes, findDataType, searchCodesOf } from '../../open-mhealth/data-types.ts'
import { loincSystem, namespaceSystems, parseSchemaCode } from '../../open-mhealth/systems.ts'
import { shortText } from './text.ts'

export const dataType = shortText(256)
  .optional()
  .describe('Short name (heart-rate), LOINC or Open mHealth code, or system|code')

/** What a `data_type` asks for. */
export interface AskedType {
  /** The type that it names; undefined for a code that no type has. */
  readonly type: DataType | undefined
  /** Every code that is searched. */
  readonly codes: readonly SearchCode[]
  /** Short name, or the code as it was given. */
  readonly label: string
}

const uri = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/
const code = /^\S+(?: \S+)*$/
const loinc = /^\d{1,7}-\d$/

/**
 * The codes that a `data_type` stands for. A short name, a LOINC or an Open mHealth code name a type and mean all its known
 * codes, and the code that was given; `system|code` means exactly that code, of a known type or not.
 * Throws INVALID_ARGUMENT with the short names for anything else.
 */
export function askedTypeOf(word: string): AskedType {
  const bar = word.lastIndexOf('|')
  const type = findDataType(word)
  if (bar !== -1) {
    const exact = { system: word.slice(0, bar), code: word.slice(bar + 1) }
    if (!uri.test(exact.system) || !code.test(exact.code)) throw unknownType()
    return { type, codes: [exact], label: word }
  }
  if (type === undefined) throw unknownType()
  const known = searchCodesOf(type)
  const given = codeOf(word)
  const isNew = given !== undefined && !known.some((one) => one.code === given.code)
  return { type, codes: isNew ? [...known, given] : known, label: type.name }
}

/** A code in few words: LOINC by its name, Open mHealth by its own prefix, any other with its system. */
export function codeText({ system, code: text }: SearchCode): string {
  if (system === loincSystem) return `LOINC ${text}`
  const schema = parseSchemaCode(text)
  return schema !== undefined && namespaceSystems[schema.namespace] === system ? text : `${system}|${text}`
}

/** The error for a word that names no type. */
export function unknownType() {
  const names = dataTypes().map(({ name }) => name)
  return fhirMcpError('INVALID_ARGUMENT', {
    detail: `data_type is not known. It is one of ${names.join(', ')}; or a LOINC or Open mHealth code of one of them; or any code as system|code (http://loinc.org|8867-4).`,
  })
}

function codeOf(word: string): SearchCode | undefined {
  if (loinc.test(word)) return { system: loincSystem, code: word }
  const schema = parseSchemaCode(word.toLowerCase())
  return schema && { system: namespaceSystems[schema.namespace], code: word.toLowerCase() }
}
