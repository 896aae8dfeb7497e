import { z } from 'zod'
import { isFhirMcpError } from '../errors.ts'
import { BadAnswer } from '../exchange/bad-answer.ts'
import type { ObservationCount, ObservationFilter } from '../exchange/exchange.ts'
import type { ParametersParameter } from '../fhir/types.ts'
import { gapParameters, gapTexts } from '../results/gaps.ts'
import { oneLine } from '../results/line.ts'
import { parametersOf } from '../results/parameters.ts'
import { singleAnswer } from '../results/single.ts'
import { dataType } from './arguments/data-type.ts'
import { timeZone } from './arguments/period.ts'
import { observationRule, patientArguments } from './observations/arguments.ts'
import { askedObservations, askedParameters, patientSubject, wordingOf } from './observations/asked.ts'
import { countParameters, countText, fociCounted, shownNotes } from './observations/count-text.ts'
import { importNotes } from './observations/import-notes.ts'
import { type FoundEnd, type RangeEnd, rangeEnd } from './observations/range.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const input = z.strictObject({ ...patientArguments, data_type: dataType, time_zone: timeZone })

/** Earlier than any observation: a filter that only those without a date do not meet. */
const beforeAll = '1000-01-01T00:00:00Z'

/** Says from when to when a patient has observations. */
export const getPatientDateRange = defineTool({
  name: 'get_patient_date_range',
  title: 'Date range of a patient',
  description: 'First and last observation of a patient, and how many. Use it to choose start and end.',
  input,
  output: 'fhir',
  rule: observationRule,
  subject: patientSubject,
  async run(given, context) {
    const { grant, byteBudget } = context
    const asked = askedObservations(given)
    const patient = patientOf(context.target)
    const zone = asked.period.timeZone
    const [first, last, count, dated] = await Promise.all([
      rangeEnd(context, asked.filter, 'first', zone),
      rangeEnd(context, asked.filter, 'last', zone),
      countWhere(context, patient, asked.filter),
      countWhere(context, patient, { ...asked.filter, from: beforeAll }),
    ])
    const undated = undatedOf(count, dated)
    const gaps = [...new Set([...first.gaps, ...last.gaps])]
    const asOf = new Date(context.now()).toISOString()
    return singleAnswer({
      asked: `Date range of the observations of Patient/${patient}, ${wordingOf(asked, grant)}`,
      resource: parametersOf([
        { name: 'patient', valueReference: { reference: `Patient/${patient}` } },
        ...askedParameters(asked, grant),
        ...endParameter('first', first.end),
        ...endParameter('last', last.end),
        ...(count === undefined ? [] : countParameters(count)),
        ...(undated === undefined ? [] : [{ name: 'undated', valueInteger: undated }]),
        ...gapParameters(gaps),
        { name: 'asOf', valueInstant: asOf },
      ]),
      lines: [
        `first: ${endText(first)}`,
        `last: ${endText(last)} (by when they begin)`,
        `number: ${count === undefined ? 'not known' : countText(count)}`,
        `of these without a date: ${undated ?? 'not known'}`,
      ],
      notes: [
        ...gapTexts(gaps),
        ...(count === undefined ? [] : shownNotes(count)),
        ...(count?.count === 0 && gaps.length === 0
          ? [await whyEmpty(asked, context)]
          : [fociCounted, 'summarize_patient_observations tells first and last per type.']),
        ...(await importNotes(context, count?.imported ?? 0)),
      ],
      byteBudget,
      asOf,
    })
  },
})

/** Undefined where the exchange cannot count so, or not wholly: the ends of the range are known all the same. */
async function countWhere(
  { exchange, grant }: GrantedContext,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount | undefined> {
  try {
    return await exchange.countPatientObservations(grant, patient, filter)
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE') || thrown instanceof BadAnswer) return undefined
    throw thrown
  }
}

/** Undefined where one is not known, or where something came or went between the two counts. */
function undatedOf(
  all: ObservationCount | undefined,
  dated: ObservationCount | undefined,
): number | undefined {
  const isKnown = all !== undefined && dated !== undefined && !all.shownOnly && !dated.shownOnly
  const undated = isKnown ? all.count - dated.count : undefined
  return undated === undefined || undated < 0 ? undefined : undated
}

function endParameter(name: string, end: RangeEnd): ParametersParameter[] {
  const time = typeof end === 'string' ? undefined : (end.start ?? end.end)
  return time === undefined ? [] : [{ name, valueDateTime: time }]
}

function endText({ end, gaps }: FoundEnd): string {
  if (end === 'none') return gaps.length > 0 ? 'none in what the exchange gave' : 'none with a date'
  return end === 'unknown' ? 'not known (what is there is entered in error or cancelled)' : oneLine(end.text)
}
