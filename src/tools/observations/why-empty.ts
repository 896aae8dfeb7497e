import { isFhirMcpError } from '../../errors.ts'
import type { Gap, ObservationFilter, ObservationPageQuery } from '../../exchange/exchange.ts'
import type { Observation } from '../../fhir/types.ts'
import { type DataType, searchCodesOf } from '../../open-mhealth/data-types.ts'
import { oneLine } from '../../results/line.ts'
import { nameWord } from '../../results/own-words.ts'
import { nameOfObservation } from '../../results/reading-names.ts'
import { readingTime } from '../../results/reading-time.ts'
import { excludedStatusOf } from '../../results/standing.ts'
import type { GrantedContext } from '../tool.ts'
import { type AskedObservations, hasPeriod } from './asked.ts'
import { requestedWords, searchedCodes } from './requested.ts'

/** Enough that one entered in error does not hide those beside it. */
const fewRows = 5
const optional = ['EXCHANGE_TIMEOUT', 'EXCHANGE_UNAVAILABLE', 'NOT_SUPPORTED_BY_EXCHANGE'] as const
const notKnown =
  'Nothing fits in what the exchange gave. It may be incomplete, so what there is instead is not known.'

/**
 * Why a patient has nothing of what was asked, with the nearest dates that have data: a few small requests. Their failure
 * is no failure of the answer, which is known already.
 */
export async function whyEmpty(asked: AskedObservations, context: GrantedContext): Promise<string> {
  try {
    const gaps = new Set<Gap>()
    const why = await reason(asked, context, gaps)
    return gaps.size > 0 ? notKnown : why
  } catch (thrown) {
    if (!optional.some((kind) => isFhirMcpError(thrown, kind))) throw thrown
    return 'Nothing fits; the exchange could not be asked what there is instead.'
  }
}

async function reason(asked: AskedObservations, context: GrantedContext, gaps: Set<Gap>): Promise<string> {
  const { codes, panels, from, before } = asked.filter
  const requested = requestedWords(context.grant)
  const ofType = { ...(codes === undefined ? {} : { codes }), ...(panels === undefined ? {} : { panels }) }
  const type = asked.type === undefined ? undefined : oneLine(asked.type.label)
  if (requested !== undefined && codes !== undefined && searchedCodes(codes, context.grant).length === 0) {
    return `${type} is none of the types that ${requested}, so the patient may have some that are not the study's.`
  }
  const what = type === undefined ? 'observations' : `observations of ${type}`
  const zone = asked.period.timeZone
  const one = (filter: ObservationFilter, order: 'newest' | 'oldest') =>
    nearest(context, gaps, { ...filter, order })
  if (hasPeriod(asked)) {
    const [earlier, later] = await Promise.all([
      from === undefined ? undefined : one({ ...ofType, before: from }, 'newest'),
      before === undefined ? undefined : one({ ...ofType, from: before }, 'oldest'),
    ])
    const dates = [
      ...(earlier === undefined ? [] : [`the last before it ${timeOf(earlier, zone)}`]),
      ...(later === undefined ? [] : [`the first after it ${timeOf(later, zone)}`]),
    ]
    if (dates.length > 0) return `No ${what} in this period. Nearest: ${dates.join(', ')}.`
    const undated = await one(ofType, 'newest')
    if (undated !== undefined) {
      return `No ${what} in this period; the patient has some outside it, ${timeOf(undated, zone)}: those without a date are in no period.`
    }
  }
  const wider = widerOf(asked)
  const sibling = wider === undefined ? undefined : await one({ codes: searchCodesOf(wider) }, 'newest')
  if (wider !== undefined && sibling !== undefined) {
    return `The patient has no ${what}, which is one code of ${wider.name}; by others it has, the newest ${timeOf(sibling, zone)}. Ask for ${wider.name}.`
  }
  const other = asked.type === undefined ? undefined : await one({}, 'newest')
  if (other === undefined && requested !== undefined) {
    return `The patient has no observations of the types that ${requested}.`
  }
  if (other === undefined) return 'The patient has no observations.'
  return `The patient has no ${what}. There are others, the newest ${nameWord(nameOfObservation(other).label)} ${timeOf(other, zone)}.`
}

/** The type that has more codes than the ones that were asked for. */
function widerOf({ type: asked }: AskedObservations): DataType | undefined {
  const { type, codes = [] } = asked ?? {}
  return type === undefined || searchCodesOf(type).length <= codes.length ? undefined : type
}

/** The nearest that counts, of the nearest few; where none of them does, the nearest of all. */
async function nearest(
  { exchange, grant }: GrantedContext,
  gaps: Set<Gap>,
  query: ObservationFilter & Pick<ObservationPageQuery, 'order'>,
): Promise<Observation | undefined> {
  const { observations, ...page } = await exchange.observations(grant, { ...query, count: fewRows })
  for (const gap of page.gaps) gaps.add(gap)
  return observations.find((one) => excludedStatusOf(one) === undefined) ?? observations[0]
}

function timeOf(observation: Observation, zone: string): string {
  const text = oneLine(readingTime(observation, zone).text)
  const status = excludedStatusOf(observation)
  return `${text === 'undated' ? text : `at ${text}`}${status === undefined ? '' : ` (${status})`}`
}
