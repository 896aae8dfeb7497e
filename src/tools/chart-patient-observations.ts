import { z } from 'zod'
import { altText } from '../charts/alt-text.ts'
import { type Chart, chartOf } from '../charts/chart.ts'
import { createArtist } from '../charts/drawing.ts'
import { themeNames } from '../charts/theme.ts'
import { wallTime } from '../charts/wall-time.ts'
import type { ParametersParameter } from '../fhir/types.ts'
import type { ContentBlock } from '../results/answer.ts'
import { gapParameters } from '../results/gaps.ts'
import { parametersOf } from '../results/parameters.ts'
import { singleAnswer } from '../results/single.ts'
import { oncePerCall } from './arguments/once-per-call.ts'
import { end, type Period, start, timeZone } from './arguments/period.ts'
import { shortText } from './arguments/text.ts'
import { observationRule, patientArguments } from './observations/arguments.ts'
import {
  type AskedObservations,
  askedObservations,
  askedParameters,
  type ObservationArguments,
  wordingOfAll,
} from './observations/asked.ts'
import { chartNotes } from './observations/chart-notes.ts'
import { panelParameter } from './observations/chart-panels.ts'
import { type ChartReading, readForChart } from './observations/chart-reading.ts'
import { importNotes, importParameters, readText } from './observations/import-notes.ts'
import { daysOf, type SummaryPart, seriesPart } from './observations/summary-parts.ts'
import { undatedParameters } from './observations/undated.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const mostTypes = 4
/** Bytes set aside for notes; text takes about as much as a third of the rest. */
const frame = 6144

const input = z.strictObject({
  ...patientArguments,
  data_types: z
    .array(shortText(256))
    .min(1)
    .max(mostTypes)
    .describe('Short names (heart-rate), LOINC or Open mHealth codes, or system|code'),
  start,
  end,
  time_zone: timeZone,
  theme: z.enum(themeNames).default('light'),
})

const artist = createArtist()

/**
 * Draws the observations of one patient over time, with their figures beside the picture. The picture names nobody. It is beside
 * the byte budget and has a bound of its own (`mostBytes` in `src/charts/render.mjs`).
 */
export const chartPatientObservations = defineTool({
  name: 'chart_patient_observations',
  title: 'Chart observations of a patient',
  description:
    'A picture (PNG) of 1 to 4 types of readings of a patient over time, with their figures: to show a course, gaps and peaks.',
  input,
  output: 'fhir',
  rule: observationRule,
  subject(given) {
    asksOf(given)
    return { kind: 'patient', patient: given.patient_id, study: given.study_id }
  },
  async run(given, context) {
    const { grant, byteBudget, signal } = context
    const asks = asksOf(given)
    const { period } = asks[0]
    const zone = period.timeZone
    const reading = await readForChart(context, asks, period)
    const { panels, reads, taken, imported } = reading
    const { theme } = given
    const chart = panels.length === 0 ? undefined : chartOf({ panels, zone, theme, ...onWall(period) })
    const alt = chart === undefined ? [] : [altText(panels, chart.period, zone)]
    const patient = `Patient/${patientOf(context.target)}`
    const asOf = new Date(context.now()).toISOString()
    const head: ParametersParameter[] = [
      { name: 'patient', valueReference: { reference: patient } },
      ...unique(asks.flatMap((asked) => askedParameters(asked, grant))),
      { name: 'observations', valueInteger: taken },
      ...importParameters(imported),
      ...undatedParameters(reading.undated),
      ...[...reading.excluded].map(([status, n]) => ({
        name: 'excludedObservations',
        part: [
          { name: 'reason', valueString: status },
          { name: 'n', valueInteger: n },
        ],
      })),
      {
        name: 'complete',
        valueBoolean: reads.every(({ end, gaps }) => end === 'complete' && gaps.length === 0),
      },
      ...gapParameters(reads.flatMap(({ gaps }) => gaps)),
      ...alt.map((valueString) => ({ name: 'chart', valueString })),
      ...panels.map(panelParameter),
      { name: 'asOf', valueInstant: asOf },
    ]
    const asked = `Chart of the observations of ${patient}, ${wordingOfAll(asks, grant)}`
    const fixed = Buffer.byteLength(JSON.stringify(head)) + Buffer.byteLength(asked)
    const { shown, notes } = figuresThatFit(reading, zone, byteBudget - frame - fixed)
    const answer = singleAnswer({
      asked,
      resource: parametersOf([...head, ...shown.map(({ parameter }) => parameter)]),
      lines: [...alt, readText(taken, imported), ...shown.map(({ line }) => line)],
      notes: [
        ...chartNotes(reading, chart?.notes ?? [], zone),
        ...notes,
        ...(await importNotes(context, imported)),
        ...(await emptyNotes(reading, context)),
      ],
      byteBudget,
      asOf,
    })
    return chart === undefined ? answer : { ...answer, content: [await pictureOf(chart, signal)] }
  },
})

type ChartArguments = Omit<ObservationArguments, 'data_type'> & { readonly data_types: readonly string[] }

type Asks = readonly [AskedObservations, ...AskedObservations[]]

/** What is asked for, each type once. Throws INVALID_ARGUMENT. */
const asksOf = oncePerCall(({ data_types, ...period }: ChartArguments): Asks => {
  const byLabel = new Map<string | undefined, AskedObservations>()
  for (const data_type of data_types) {
    const asked = askedObservations({ ...period, data_type })
    const label = asked.type?.label
    if (!byLabel.has(label)) byLabel.set(label, asked)
  }
  const [first, ...others] = byLabel.values()
  if (first === undefined) throw new TypeError('There is at least one type')
  return [first, ...others]
})

/** The period on the wall clock of its time zone. */
function onWall({ from, before, timeZone: zone }: Period): { from?: number; before?: number } {
  return {
    ...(from === undefined ? {} : { from: wallTime(Date.parse(from), zone) }),
    ...(before === undefined ? {} : { before: wallTime(Date.parse(before), zone) }),
  }
}

/** What is the same for all types is said once. */
function unique(parameters: readonly ParametersParameter[]): ParametersParameter[] {
  return [...new Map(parameters.map((one) => [JSON.stringify(one), one])).values()]
}

function figuresThatFit(
  { series, sums }: ChartReading,
  zone: string,
  bytes: number,
): { readonly shown: readonly SummaryPart[]; readonly notes: readonly string[] } {
  const parts = [...series.map(seriesPart), ...sums.map(({ within }) => daysOf(within, zone).all)]
  let left = bytes
  const cut = parts.findIndex(({ parameter, line }) => {
    left -= Buffer.byteLength(JSON.stringify(parameter)) + Buffer.byteLength(line) + 2
    return left < 0
  })
  if (cut === -1) return { shown: parts, notes: [] }
  const note = `Figures of ${parts.length - cut} series are left out for size. Ask for fewer data_types, or a shorter period (start, end).`
  return { shown: parts.slice(0, cut), notes: [note] }
}

async function emptyNotes({ reads }: ChartReading, context: GrantedContext): Promise<string[]> {
  const empty = reads.filter(({ end, gaps, read }) => read === 0 && end === 'complete' && gaps.length === 0)
  return Promise.all(empty.map(({ asked }) => whyEmpty(asked, context)))
}

async function pictureOf({ spec }: Chart, signal: AbortSignal): Promise<ContentBlock> {
  const png = await artist.draw(spec, signal)
  return {
    type: 'image',
    data: Buffer.from(png).toString('base64'),
    mimeType: 'image/png',
    annotations: { audience: ['user', 'assistant'], priority: 1 },
  }
}
