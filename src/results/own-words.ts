import { dataTypes } from '../open-mhealth/data-types.ts'
import { dimensionOf } from '../units/conversion.ts'
import { codesOfTextUnit } from '../units/text-units.ts'
import { quoted } from './quoted.ts'

/** Words of the descriptive statistics that Open mHealth knows, and of what they may be per. */
const statisticWords =
  /^(?:(?:average|count|maximum|median|minimum|sum|variance|standard|deviation|percentile|quartile|quintile|lower|upper|per|d|h|wk|Mo|min|episode|\d{1,2}(?:st|nd|rd|th))(?: |$))+$/
/** Letters of UCUM that Markdown has no use for. */
const unitLetters = /^[\p{L}\p{N}/.%*^'[\]{}()°µ_+-]{1,40}$/u

let names: ReadonlySet<string> | undefined

/** The names of types and of their members: our own words, whoever says them. */
function ownNames(): ReadonlySet<string> {
  names ??= new Set([
    'not said',
    ...dataTypes().flatMap(({ name, title, members }) => [
      name,
      title,
      ...members.map(({ path }) => path.replace(/[._]+/g, ' ')),
    ]),
  ])
  return names
}

/** What something is called: a word of ours as it is, a name that the exchange gives in quotes. */
export function nameWord(name: string): string {
  return ownNames().has(name) ? name : quoted(name)
}

/** The title of a panel of a chart: one of ours, with what is said of it, as it is. */
export function titleWord(title: string): string {
  return [...ownNames()].some(
    (own) => title === own || title.startsWith(`${own}, `) || title.startsWith(`${own} per `),
  )
    ? title
    : quoted(title)
}

/** Whether a statistic consists of words of ours. */
export function isStatisticWord(statistic: string): boolean {
  return statisticWords.test(statistic)
}

/** A statistic as it stands in a text. */
export function statisticWord(statistic: string): string {
  return isStatisticWord(statistic) ? statistic : quoted(statistic, 100)
}

/** A unit as it stands in a text: one of UCUM's or a usual spelling of one as it is, any other in quotes. */
export function unitWord(unit: string): string {
  if (unit === '') return unit
  const isUnit = dimensionOf(unit) !== undefined || codesOfTextUnit(unit).codes.length > 0
  return isUnit && unitLetters.test(unit) ? unit : quoted(unit, 120)
}
