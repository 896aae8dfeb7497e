import { createHash } from 'node:crypto'
import { digitsOf, writtenNumber } from '../fhir/decimal-digits.ts'
import type { CodeableConcept, Observation, ObservationComponent, Quantity } from '../fhir/types.ts'
import { attachmentText, boundedText, longestText, quotedText, sampledDataText } from './large-values.ts'
import { oneLine } from './line.ts'
import { unitWord } from './own-words.ts'
import { dateWord, inert, quoted, word } from './quoted.ts'
import { readingTime } from './reading-time.ts'

/** What carries a value: an observation or one of its components. */
export type ValueHolder = Observation | ObservationComponent

/** A unit as people read it, and the key that keeps units apart: the UCUM code, else the text. */
export interface Unit {
  readonly label: string
  readonly system: string | undefined
  readonly code: string | undefined
}

/** Why a value is not a plain number. */
export type NotPlain =
  | 'absent'
  | 'comparator'
  | 'no value'
  | 'not a number'
  /** A body that could not be decoded: what it has may be a number all the same. */
  | 'not translated'
  /** A number that a double cannot hold. */
  | 'out of range'
  | 'unknown modifier'

/** A value that may be counted with, or why it may not; the unit is known either way where there is one. */
export type NumberReading =
  | { readonly number: number; readonly unit: Unit }
  | { readonly why: NotPlain; readonly unit: Unit | undefined }

export const ucum = 'http://unitsofmeasure.org'
/** Characters beyond which no unit and no code is one that people write. */
export const longestCode = 100
const outOfRange = 'not a number that can be computed with'
const noUnit: Unit = { label: '', system: undefined, code: undefined }

/**
 * A value as text with everything that it says: `<40 mg/dL`, `60 to 80 /min`, `absent: error`. Times are given in the time
 * zone. Without a value and a reason: undefined.
 */
export function valueText(holder: ValueHolder, zone: string): string | undefined {
  const parts = [
    choiceText(holder, zone),
    ...(holder.dataAbsentReason === undefined ? [] : [`absent: ${conceptText(holder.dataAbsentReason)}`]),
  ]
  const said = parts.filter((part) => part !== undefined)
  return said.length > 0 ? said.join(', ') : undefined
}

/** A value as a plain number, or why it is none. `modified`: a modifierExtension may say something else of it. */
export function numberOf(holder: ValueHolder, modified: boolean): NumberReading {
  const { valueQuantity: quantity, valueInteger: integer, dataAbsentReason, modifierExtension } = holder
  const unit = quantity === undefined ? undefined : unitOf(quantity)
  if (dataAbsentReason !== undefined) return { why: 'absent', unit }
  const number = quantity?.value ?? integer
  if (number === undefined) return { why: whyNone(holder), unit }
  if (modified || (modifierExtension ?? []).length > 0) return { why: 'unknown modifier', unit }
  if (quantity?.comparator !== undefined) return { why: 'comparator', unit }
  return Number.isFinite(number) ? { number, unit: unit ?? noUnit } : { why: 'out of range', unit }
}

function whyNone(holder: ValueHolder): NotPlain {
  const { valueQuantity } = holder
  const isWritten = valueQuantity !== undefined && isOutOfRange(valueQuantity, 'value')
  if (isWritten || isOutOfRange(holder, 'valueInteger')) return 'out of range'
  if (isBody(holder.valueAttachment)) return 'not translated'
  return holder.valueQuantity === undefined && hasValue(holder) ? 'not a number' : 'no value'
}

/** Whether a member was a number that no double can hold, so that only its digits are known. */
function isOutOfRange(holder: object, name: string): boolean {
  return digitsOf(holder, name) !== undefined && !Object.hasOwn(holder, name)
}

/** Whether an attachment may be the body of a data point, which says a value. */
function isBody(attachment: Observation['valueAttachment']): boolean {
  return attachment !== undefined && /^\s*application\/json\s*(;|$)/i.test(attachment.contentType ?? '')
}

/** Whether there is a value of any kind. */
export function hasValue(holder: ValueHolder): boolean {
  return Object.keys(holder).some((element) => /^value[A-Z]/.test(element))
}

/** The unit of a quantity. UCUM's `1` is no unit at all: what stands for it is the text, where that says more. */
export function unitOf({ unit, system, code }: Quantity): Unit {
  const isOne = system === ucum && code === '1'
  const label = (system === ucum && !isOne ? code : undefined) ?? unit ?? code ?? ''
  return { label: isOne && label === '1' ? '' : shortLabel(label), system, code }
}

/** A label beyond all measure is cut, and told from another one by a digest. */
function shortLabel(label: string): string {
  if (label.length <= longestCode) return label
  return `${oneLine(label.slice(0, 60))}… (${createHash('sha256').update(label).digest('base64url').slice(0, 8)})`
}

/** A concept in words, in quotes: its text, else a display; else its code. */
export function conceptText(concept: CodeableConcept | undefined, most = longestText): string {
  const [{ display, code } = {}] = concept?.coding ?? []
  const words = concept?.text ?? display
  if (words !== undefined) return quotedText(words, most)
  return code === undefined ? 'not said' : word(code)
}

function choiceText(holder: ValueHolder, zone: string): string | undefined {
  const { valueQuantity, valueRange, valueRatio, valueSampledData, valuePeriod, valueAttachment } = holder
  if (valueQuantity !== undefined) return quantityText(valueQuantity)
  if (holder.valueCodeableConcept !== undefined) return conceptWithCode(holder.valueCodeableConcept)
  if (holder.valueString !== undefined) return quotedText(holder.valueString)
  if (holder.valueBoolean !== undefined) return String(holder.valueBoolean)
  const integer = writtenNumber(holder, 'valueInteger')
  if (integer !== undefined)
    return isOutOfRange(holder, 'valueInteger') ? `${integer} (${outOfRange})` : integer
  if (holder.valueTime !== undefined) return dateWord(holder.valueTime)
  if (holder.valueDateTime !== undefined)
    return readingTime({ effectiveDateTime: holder.valueDateTime }, zone).text
  if (valuePeriod !== undefined) return readingTime({ effectivePeriod: valuePeriod }, zone).text
  if (valueRange !== undefined) return `${quantityText(valueRange.low)} to ${quantityText(valueRange.high)}`
  if (valueRatio !== undefined) {
    return `${quantityText(valueRatio.numerator)} : ${quantityText(valueRatio.denominator)}`
  }
  if (valueSampledData !== undefined) return sampledDataText(valueSampledData)
  if (valueAttachment !== undefined) return attachedText(valueAttachment)
  if (holder.valueReference !== undefined)
    return `reference ${quoted(JSON.stringify(holder.valueReference), longestText)}`
  return undefined
}

/** A quantity in words: `<40 mg/dL`. */
export function quantityText(quantity: Quantity | undefined): string {
  if (quantity === undefined) return 'open'
  const number = writtenNumber(quantity, 'value') ?? 'no number'
  const mark = isOutOfRange(quantity, 'value') ? ` (${outOfRange})` : ''
  return `${quantity.comparator ?? ''}${number} ${unitWord(unitOf(quantity).label)}`.trim() + mark
}

/** A concept in words with its first code beside it, in quotes. */
export function conceptWithCode(concept: CodeableConcept, most = longestText): string {
  const { words, code } = wordsAndCode(concept)
  if (words === undefined) return code === undefined ? 'not said' : word(code)
  return code === undefined ? quotedText(words, most) : `${quotedText(words, most)} (${word(code)})`
}

/** The same as what something is called: in one line, with no link that works. */
export function conceptLabel(concept: CodeableConcept): string {
  const { words, code } = wordsAndCode(concept)
  const label = boundedText(words ?? code ?? 'not said')
  const said = words === undefined || code === undefined ? label : `${label} (${oneLine(code, longestCode)})`
  return inert(oneLine(said))
}

/** The words of a concept, and its first code where they do not say it already. */
function wordsAndCode({ text, coding = [] }: CodeableConcept): { words?: string; code?: string } {
  const code = coding.find((one) => one.code !== undefined)?.code
  const words = text ?? coding[0]?.display
  if (words === undefined) return code === undefined ? {} : { code }
  const isSaid = code === undefined || code.replace(/[._-]+/g, ' ').toLowerCase() === words.toLowerCase()
  return isSaid || code === words ? { words } : { words, code }
}

/** An Open mHealth body that could not be translated is JSON: its `body` is short enough to read, its header is not data. */
function attachedText(attachment: NonNullable<Observation['valueAttachment']>): string {
  const { contentType = '', data } = attachment
  if (data !== undefined && contentType.startsWith('application/json')) {
    const body = JSON.stringify(bodyOf(data))
    if (body !== undefined && body.length <= longestText)
      return `not translated: ${quoted(body, longestText)}`
  }
  return attachmentText(attachment)
}

function bodyOf(data: string): unknown {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data, 'base64').toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null) return parsed
    return 'body' in parsed ? parsed.body : parsed
  } catch {
    return undefined
  }
}
