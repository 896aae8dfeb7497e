import { fhirMcpError } from '../../errors.ts'
import type { SearchCode } from '../../fhir/types.ts'
import {
  type DataType,
  dataTypes,
  findMeasure,
  loincCodesOf,
  type Member,
  openMHealthCodesOf,
  searchCodesOf,
} from '../../open-mhealth/data-types.ts'
import { loincSystem, namespaceSystems, parseSchemaCode } from '../../open-mhealth/systems.ts'
import { memberLabel } from '../../results/reading-names.ts'
import { shortText } from './text.ts'

const longest = 256

export const dataType = shortText(longest)
  .optional()
  .describe('Short name (heart-rate), LOINC or Open mHealth code, or system|code')

/** What a `data_type` asks for. */
export interface AskedType {
  /** The type that it names; undefined for a code that no type has. */
  readonly type: DataType | undefined
  /** The one value of the type that it names (`systolic`); undefined: all of them. */
  readonly member: Member | undefined
  /** Every code that is searched. */
  readonly codes: readonly SearchCode[]
  /** Codes of panels that may have the member, for an exchange that cannot search by component. */
  readonly panels: readonly SearchCode[]
  /** Short name, or the code as it was given. */
  readonly label: string
}

const uri = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/
const code = /^\S+(?: \S+)*$/
const loinc = /^\d{1,7}-\d$/
/** As answers show `://` of a text of the exchange; no URI has a space. */
const brokenLink = /(?<=^[a-z][a-z0-9+.-]*):\/ \//i
const loincPrefix = /^LOINC[\s:]+(?=\d)/i

/**
 * The codes that a `data_type` stands for. A short name, a LOINC or an Open mHealth code name a type and mean all its known
 * codes, and the code that was given; a word or a LOINC code for one value of a type (`systolic`) means that value, in its
 * panel or alone. Any other LOINC (`LOINC 2885-2` too) or Open mHealth code, and `system|code`, mean exactly that code.
 * Throws INVALID_ARGUMENT with the short names for anything else.
 */
export function askedTypeOf(given: string): AskedType {
  const word = given.trim().replace(loincPrefix, '').replace(brokenLink, '://')
  const bar = word.lastIndexOf('|')
  const { type, member } = findMeasure(word) ?? {}
  if (bar !== -1) {
    const exact = { system: word.slice(0, bar), code: word.slice(bar + 1) }
    if (!uri.test(exact.system) || !code.test(exact.code)) throw unknownType()
    return { type, member, codes: [exact], panels: [], label: word }
  }
  const own = codeOf(word)
  if (type === undefined) {
    if (own === undefined) throw unknownType()
    return { type, member, codes: [own], panels: [], label: codeText(own) }
  }
  if (member !== undefined) return memberOf(type, member)
  const known = searchCodesOf(type)
  const isNew = own !== undefined && !known.some((one) => one.code === own.code)
  return { type, member, codes: isNew ? [...known, own] : known, panels: [], label: type.name }
}

/** Whether a text is a `data_type` that means exactly the code that it says. */
export function isAskable(text: string): boolean {
  const bar = text.lastIndexOf('|')
  return (
    text.length <= longest && bar !== -1 && uri.test(text.slice(0, bar)) && code.test(text.slice(bar + 1))
  )
}

function memberOf(type: DataType, member: Member): AskedType {
  const codes = [
    ...openMHealthCodesOf(type),
    ...(member.loinc === undefined ? [] : [{ system: loincSystem, code: member.loinc }]),
  ]
  return { type, member, codes, panels: loincCodesOf(type), label: memberLabel(member) }
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
    detail: `data_type is not known. It is one of ${names.join(', ')}; or any LOINC or Open mHealth code; or any other code as system|code (http://snomed.info/sct|271649006).`,
  })
}

function codeOf(word: string): SearchCode | undefined {
  if (loinc.test(word)) return { system: loincSystem, code: word }
  const schema = parseSchemaCode(word.toLowerCase())
  return schema && { system: namespaceSystems[schema.namespace], code: word.toLowerCase() }
}
