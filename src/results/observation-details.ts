import type { CodeableConcept, Observation, ObservationComponent } from '../fhir/types.ts'
import { isStatistic } from '../open-mhealth/decode.ts'
import { quotedText } from './large-values.ts'
import { cutLine } from './quoted.ts'
import { conceptText, conceptWithCode, quantityText } from './values.ts'

const longestNote = 300
const mostNotes = 3
const mostRanges = 4
const mostFlags = 6

type ReferenceRange = NonNullable<Observation['referenceRange']>[number]

/** What a laboratory says of a value: `interpretation Critical high (HH)`, `reference range 3.5 to 5.1 mmol/L`. */
export function qualifierTexts(holder: Observation | ObservationComponent): string[] {
  const flags = interpretationText(holder)
  const ranges = (holder.referenceRange ?? []).map(rangeText).filter((text) => text !== '')
  return [
    ...(flags === undefined ? [] : [`interpretation ${flags}`]),
    ...(ranges.length === 0 ? [] : [`reference range ${someOf(ranges, mostRanges, ' or ')}`]),
  ]
}

/** The interpretation in words; a statistic of Open mHealth, which stands there too, is none. */
export function interpretationText(
  { interpretation }: Pick<Observation, 'interpretation'>,
  say: (concept: CodeableConcept) => string = (concept) => conceptWithCode(concept, 80),
): string | undefined {
  const flags = (interpretation ?? []).filter((one) => !isStatistic(one))
  return flags.length === 0 ? undefined : someOf(flags.map(say), mostFlags, ', ')
}

/** Notes in quotes, as far as a line holds them. */
export function noteTexts({ note }: Observation): string[] {
  const texts = (note ?? []).flatMap(({ text }) =>
    text === undefined ? [] : [quotedText(text, longestNote)],
  )
  return texts.length === 0 ? [] : [`note: ${someOf(texts, mostNotes, ', ')}`]
}

/** `3.5 to 5.1 mmol/L`, `up to 5.1 mmol/L`, with the kind of range where it is not the normal one. */
function rangeText({ low, high, text, type, appliesTo, normalValue }: ReferenceRange): string {
  const ends =
    low !== undefined && high !== undefined
      ? `${endText(low, high)} to ${quantityText(high)}`
      : low !== undefined
        ? `from ${quantityText(low)}`
        : high !== undefined
          ? `up to ${quantityText(high)}`
          : undefined
  const said = ends ?? (normalValue === undefined ? undefined : conceptText(normalValue, 100))
  const words = said ?? (text === undefined ? '' : quotedText(text, 100))
  const kinds = [type, ...(appliesTo ?? [])].flatMap((one) =>
    one === undefined || isNormal(one) ? [] : [one],
  )
  const kind = kinds.length === 0 ? '' : ` (${kinds.map((one) => conceptText(one, 60)).join(', ')})`
  return words === '' ? '' : cutLine(`${words}${kind}`, 250)
}

/** The unit is said once where it is one. */
function endText(low: NonNullable<ReferenceRange['low']>, high: NonNullable<ReferenceRange['high']>): string {
  const isOneUnit = low.code === high.code && low.unit === high.unit
  return isOneUnit ? quantityText({ ...low, unit: '', code: '' }) : quantityText(low)
}

function isNormal({ coding }: NonNullable<ReferenceRange['type']>): boolean {
  return (coding ?? []).some(({ code }) => code === 'normal')
}

function someOf(texts: readonly string[], most: number, between: string): string {
  const rest = texts.length - most
  return texts.slice(0, most).join(between) + (rest > 0 ? ` and ${rest} more` : '')
}
