import type { Observation, Quantity } from '../fhir/types.ts'
import { oneLine } from './line.ts'
import { unitWord } from './own-words.ts'
import { quoted } from './quoted.ts'

/** Characters from which a text is described rather than given, but for format `fhir_full`. */
export const longestText = 1000
const shownOfLong = 200
const shortSamples = 200

type SampledData = NonNullable<Observation['valueSampledData']>
type Attachment = NonNullable<Observation['valueAttachment']>

/** A text in quotes; of a long one its beginning, and how long it is. */
export function quotedText(text: string, most = longestText): string {
  if (text.length <= most) return quoted(text, most)
  const start = oneLine(text.slice(0, Math.min(most, shownOfLong)))
  return `${quoted(`${start}…`, shownOfLong + 1)} (${text.length} characters, whole in format fhir_full)`
}

/** A text as it is; of a long one its beginning, and how long it is. */
export function boundedText(text: string): string {
  if (text.length <= longestText) return text
  return `${oneLine(text.slice(0, shownOfLong))}… (${text.length} characters, whole in format fhir_full)`
}

/** Sampled data in words: how many samples, how far apart, their range; few samples as they came, too. */
export function sampledDataText(sampled: SampledData): string {
  const { data, dimensions, origin } = sampled
  const unit = unitText(origin)
  const across = dimensions !== undefined && dimensions > 1 ? ` of ${dimensions} dimensions` : ''
  const read = data === undefined ? undefined : rangeOf(data, sampled)
  const samples =
    read === undefined
      ? 'sampled data without its data'
      : `${counted(Math.ceil(read.values / Math.max(1, dimensions ?? 1)), 'sample')}${across}`
  return [
    samples,
    spacingText(sampled),
    read?.lowest === undefined ? undefined : `${read.lowest} to ${read.highest}${unit}`,
    read === undefined || read.unmeasured === 0
      ? undefined
      : `${counted(read.unmeasured, 'value')} not measured (E, U or L)`,
    read === undefined || read.unreadable === 0
      ? undefined
      : `${counted(read.unreadable, 'value')} not readable`,
    data === undefined || data.length > shortSamples ? undefined : asSent(data, sampled),
  ]
    .filter((part) => part !== undefined)
    .join(', ')
}

/** An attachment in words; what is in it is not told. */
export function attachmentText({ contentType = 'unknown type', data, url, size, title }: Attachment): string {
  const kept =
    data === undefined && url === undefined
      ? 'without data'
      : `its data is in format ${data !== undefined && data.length > longestText ? 'fhir_full' : 'fhir'}`
  const named = title === undefined ? '' : ` ${quotedText(title, shownOfLong)}`
  const bytes = size ?? (data === undefined ? undefined : Math.floor((data.length * 3) / 4))
  return `attachment${named} (${mimeWord(contentType)}${bytes === undefined ? '' : `, ${bytes} bytes`}), ${kept}`
}

function mimeWord(type: string): string {
  return /^[\w.+-]{1,60}(\/[\w.+-]{1,60})?( type)?$/.test(type) ? type : quoted(type)
}

interface Range {
  readonly values: number
  readonly lowest: number | undefined
  readonly highest: number | undefined
  /** Errors, and what is above or below what can be measured. */
  readonly unmeasured: number
  readonly unreadable: number
}

/** Reads the samples one by one, since there may be millions: numbers, or E, U, L (R5 SampledData.data). */
function rangeOf(data: string, { factor = 1, origin }: SampledData): Range {
  let [values, unmeasured, unreadable] = [0, 0, 0]
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [sample] of data.matchAll(/\S+/g)) {
    values += 1
    const number = Number(sample)
    if (sample === 'E' || sample === 'U' || sample === 'L') unmeasured += 1
    else if (!Number.isFinite(number)) unreadable += 1
    else {
      lowest = Math.min(lowest, number)
      highest = Math.max(highest, number)
    }
  }
  if (lowest > highest) return { values, lowest: undefined, highest: undefined, unmeasured, unreadable }
  const ends = [lowest, highest].map((end) => Number((end * factor + (origin?.value ?? 0)).toPrecision(12)))
  return { values, lowest: Math.min(...ends), highest: Math.max(...ends), unmeasured, unreadable }
}

/** R4 has `period` in milliseconds; R5 has `interval` in a unit, or `offsets`. */
function spacingText(sampled: SampledData & { readonly period?: number }): string | undefined {
  const { period, interval, intervalUnit } = sampled
  if (period !== undefined) return `every ${period} ms`
  return interval === undefined ? undefined : `every ${interval} ${unitWord(intervalUnit ?? '')}`.trim()
}

function asSent(data: string, { factor = 1, origin }: SampledData): string {
  const scaled = factor === 1 ? '' : ` times ${factor}`
  const moved = (origin?.value ?? 0) === 0 ? '' : ` plus ${origin?.value}`
  return `as sent: ${/^[\d\sEUL.+-]*$/.test(data) ? oneLine(data) : quoted(data)}${scaled}${moved}`
}

function unitText(origin: Quantity | undefined): string {
  const unit = origin?.code ?? origin?.unit
  return unit === undefined || unit === '1' ? '' : ` ${unitWord(unit)}`
}

function counted(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`
}
