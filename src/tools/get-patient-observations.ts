import { z } from 'zod'
import { fhirMcpError } from '../errors.ts'
import type { ObservationPosition } from '../exchange/exchange.ts'
import { pageOfCursor } from '../exchange/page-expired.ts'
import { isImported } from '../fhir/imported.ts'
import type { Observation } from '../fhir/types.ts'
import { gapNotes } from '../results/gaps.ts'
import { observationTable } from '../results/observations.ts'
import type { Note } from '../results/outcome.ts'
import { searchLink } from '../results/search-link.ts'
import { pageAnswer } from '../results/searchset.ts'
import { excludedStatusOf, hasOtherFocus } from '../results/standing.ts'
import { type Format, format } from './arguments/format.ts'
import { cursor, limit } from './arguments/paging.ts'
import { narrowedBy } from './narrowed-by.ts'
import { observationArguments, observationRule, patientArguments } from './observations/arguments.ts'
import { type AskedObservations, askedObservations, patientSubject, wordingOf } from './observations/asked.ts'
import { importNotes } from './observations/import-notes.ts'
import { relatedTo, unrelatedNotes } from './observations/related.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({
  ...patientArguments,
  ...observationArguments,
  order: z.enum(['newest', 'oldest']).default('newest'),
  limit,
  cursor,
  format,
})
type Input = z.output<typeof input>

const positionSchema = z.array(z.union([z.string(), z.null()]))

/** Bytes below which hardly any row comes, structured and text together: a page of more rows would be asked for in vain. */
const leastBytes: Readonly<Record<Format, number>> = { fhir: 450, fhir_full: 700, table: 200 }

/** Lists observations of one patient. */
export const getPatientObservations = defineTool({
  name: 'get_patient_observations',
  title: 'Get observations of a patient',
  description: 'Readings of a patient, a page at a time. For figures use summarize_patient_observations.',
  input,
  output: 'fhir',
  rule: observationRule,
  subject: patientSubject,
  async run(given, context) {
    const asked = askedObservations(given)
    const patient = patientOf(context.target)
    const call = {
      principal: context.principal,
      tool: 'get_patient_observations',
      arguments: boundTo(given, patient),
      narrowed: narrowedBy(context.grant, patient),
    }
    const position = await openPosition(given.cursor, (sealed) => context.cursors.open(call, sealed))
    const fitting = Math.max(1, Math.floor(context.byteBudget / leastBytes[given.format]))
    const most = Math.min(given.limit, fitting)
    const page = await pageOfCursor(given.cursor, () =>
      context.exchange.observations(context.grant, {
        ...asked.filter,
        order: given.order,
        count: most,
        ...(position === undefined ? {} : { position }),
      }),
    )
    const view = {
      format: given.format,
      timeZone: asked.period.timeZone,
      asked: asked.values,
      baseUrl: context.settings.baseUrl,
      related: await relatedTo(page.observations, context),
    }
    const { gaps } = page
    const empty = page.observations.length === 0 && position === undefined && gaps.length === 0
    return pageAnswer({
      asked: `Observations of Patient/${patient}, ${wordingOf(asked, context.grant)}, ${given.order} first, every status`,
      self: selfOf(given, asked, patient),
      ...(await observationTable(page.observations, view)),
      total: page.total,
      notes: [
        ...gapNotes(gaps),
        ...standingNotes(page.observations),
        ...(await importNotes(context, page.observations.filter(isImported).length)).map(note),
        ...unrelatedNotes(page.observations, view.related, view.baseUrl).map(note),
        ...(empty ? [note(await whyEmpty(asked, context))] : []),
      ],
      limit: given.limit,
      most,
      async cursorAfter(n) {
        const next = page.positionAfter(n)
        return next === undefined ? undefined : context.cursors.seal(call, next)
      },
      format: given.format,
      byteBudget: context.byteBudget,
      asOf: new Date(context.now()).toISOString(),
    })
  },
})

/** A cursor belongs to the patient, not to the words in which the patient was named. */
function boundTo({ study_id: _, ...given }: Input, patient: string): Readonly<Record<string, unknown>> {
  return { ...given, patient_id: patient }
}

async function openPosition(
  sealed: string | undefined,
  open: (sealed: string) => Promise<unknown>,
): Promise<ObservationPosition | undefined> {
  if (sealed === undefined) return undefined
  const position = positionSchema.safeParse(await open(sealed))
  if (position.success) return position.data
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}

function selfOf({ order, limit: count }: Input, { filter }: AskedObservations, patient: string): string {
  const codes = (filter.codes ?? []).map(({ system, code }) => `${escaped(system)}|${escaped(code)}`)
  return searchLink('Observation', [
    ['patient', `Patient/${patient}`],
    ...(codes.length === 0 ? [] : [['code', codes.join(',')] as const]),
    ...(filter.from === undefined ? [] : [['date', `ge${filter.from}`] as const]),
    ...(filter.before === undefined ? [] : [['date', `lt${filter.before}`] as const]),
    ['_sort', order === 'newest' ? '-date' : 'date'],
    ['_count', String(count)],
  ])
}

/** R5 §3.2.1.5.7: what separates values is escaped within them. */
function escaped(value: string): string {
  return value.replace(/[\\,|$]/g, (separator) => `\\${separator}`)
}

function standingNotes(rows: readonly Observation[]): Note[] {
  const texts = [
    ...(rows.some((one) => excludedStatusOf(one) !== undefined)
      ? [
          'Rows marked ENTERED-IN-ERROR or CANCELLED are no readings: do not count them. The total counts every status; count_patient_observations leaves them out.',
        ]
      : []),
    ...(rows.some(hasOtherFocus)
      ? [
          'Rows marked FOCUS are of something or somebody else than the patient: leave them out of figures, as summaries do. Totals and counts include them.',
        ]
      : []),
  ]
  return texts.map((text) => ({ severity: 'warning', code: 'informational', text }))
}

function note(text: string): Note {
  return { severity: 'information', code: 'informational', text }
}
