import { dayOf } from '../fhir/date-time.ts'
import { isImported } from '../fhir/imported.ts'
import { leftOutOf } from '../fhir/people/left-out.ts'
import type { Observation } from '../fhir/types.ts'
import { mapInSlices } from '../give-way.ts'
import { type DataType, dataTypeOf } from '../open-mhealth/data-types.ts'
import { modalityOf } from '../open-mhealth/header.ts'
import { schemaNameOf } from '../open-mhealth/undescribed.ts'
import { shownUnit } from '../units/written-unit.ts'
import { anyResource } from './any-resource.ts'
import { type AskedValues, everyValue, isAskedValue } from './asked-values.ts'
import { type Cell, type Component, columnsThatFit, numbersOf } from './component-columns.ts'
import { focusText } from './focus-text.ts'
import { barred, oneLine } from './line.ts'
import { type KnownObservations, relatedTexts, withKnownRelated } from './members.ts'
import { interpretationText, noteTexts, qualifierTexts } from './observation-details.ts'
import { nameWord, statisticWord } from './own-words.ts'
import { pruneObservation } from './prune-observation.ts'
import {
  distinguishingCode,
  nameOfComponent,
  nameOfComponentValue,
  nameOfObservation,
  nameOfValue,
} from './reading-names.ts'
import { type ReadingTime, readingTime } from './reading-time.ts'
import { withoutBase } from './relative.ts'
import type { Row } from './row.ts'
import { excludedStatusOf, hasOtherFocus, isModified, notSummarised } from './standing.ts'
import { statisticText } from './statistic-text.ts'
import { conceptLabel, hasValue, numberOf, unitOf, type ValueHolder, valueText } from './values.ts'

/** How observations are listed. */
export interface ObservationView {
  readonly format: 'fhir' | 'fhir_full' | 'table'
  /** Time zone of the times in text and cells. */
  readonly timeZone: string
  readonly baseUrl: string
  /** Observations that the listed ones refer to, as far as they are within the grant. */
  readonly related: KnownObservations
  /** The values that are asked for; by default all. */
  readonly asked?: AskedValues
}

/** Observations as rows, and the columns of their table. */
export interface ObservationTable {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

const fixedColumns = [
  'id',
  'time',
  'end',
  'type',
  'value',
  'unit',
  'statistic',
  'text',
  'status',
  'code',
] as const

/** Columns that are there only where a row has something in them. */
const rareColumns = ['interpretation', 'focus', 'issued', 'imported_from'] as const

/** No value is cut. */
const whole = Number.POSITIVE_INFINITY

type Saying = Pick<Said, 'observation' | 'statistic' | 'time'> & { readonly components: readonly Component[] }

/** What an observation says, worked out once for its line, its cells and the columns of its components. */
interface Said {
  readonly observation: Observation
  readonly type: DataType | undefined
  readonly name: string
  /** What carries the value that was asked for: the observation, or one of its components. */
  readonly holder: ValueHolder
  readonly time: ReadingTime
  readonly statistic: string | undefined
  readonly interpretation: string | undefined
  readonly focus: string | undefined
  readonly text: string
  /** Components that are plain numbers, by what they are of and their unit. */
  readonly numbers: ReadonlyMap<string, Cell>
}

/**
 * Observations as rows: the resource, a line with everything that the value says, and cells. `value` and the columns of
 * components, one per component and unit, hold plain numbers only: what is entered in error, cancelled, absent, compared
 * (`<40`), modified or of another focus than the patient is null there and is in `text`.
 */
export async function observationTable(
  listed: readonly Observation[],
  view: ObservationView,
): Promise<ObservationTable> {
  const all = await mapInSlices(listed, (observation) => ({
    ...saidBy(withKnownRelated(withoutBase(observation, view.baseUrl), view.related), view),
    leftOut: leftOutOf(observation),
  }))
  const rare = rareColumns.filter((column) => all.some((said) => rareCell(said, column) !== undefined))
  const extra = columnsThatFit(all)
  const rows = await mapInSlices(all, (said): Row => {
    const { observation, numbers, leftOut } = said
    return {
      leftOut,
      // A table shows no resource.
      resource: view.format === 'fhir' ? pruneObservation(observation) : anyResource(observation),
      line: lineOf(said, view),
      cells: [
        ...cellsOf(said),
        ...rare.map((column) => rareCell(said, column) ?? null),
        ...extra.map(({ key }) => numbers.get(key)?.number ?? null),
      ],
    }
  })
  return { columns: [...fixedColumns, ...rare, ...extra.map(({ name }) => name)], rows }
}

function saidBy(observation: Observation, view: ObservationView): Said {
  const zone = view.timeZone
  const type = dataTypeOf(observation)
  const components = (observation.component ?? []).map(
    (component): Component => ({ component, ...nameOfComponent(component, type) }),
  )
  const statistic = statisticText(observation)
  const time = readingTime(observation, zone)
  return {
    observation,
    type,
    ...headOf(observation, type, view),
    time,
    statistic,
    interpretation: interpretationText(observation, conceptLabel),
    focus: hasOtherFocus(observation) ? focusText(observation) : undefined,
    text: readingText({ observation, components, statistic, time }, view),
    numbers: numbersOf(observation, components),
  }
}

/** What a row is of, and what carries its value: the one component that was asked for, where it is not the observation. */
function headOf(
  observation: Observation,
  type: DataType | undefined,
  { asked = everyValue }: ObservationView,
): Pick<Said, 'name' | 'holder'> {
  const all = observation.component ?? []
  const own = { component: undefined, name: nameOfValue(observation) }
  const usual = { name: nameOfObservation(observation, type).label, holder: observation }
  if (hasValue(observation) && isAskedValue(asked, observation, own)) {
    return asked.member === undefined ? usual : { ...usual, name: own.name.component?.label ?? usual.name }
  }
  const chosen = all
    .map((component) => ({ component, name: nameOfComponentValue(observation, component) }))
    .filter((one) => isAskedValue(asked, observation, one))
  const [only, ...others] = chosen
  const isChosen = asked.member !== undefined || chosen.length < all.length
  if (only === undefined || others.length > 0 || !isChosen) return usual
  return { name: (only.name.component ?? only.name.type).label, holder: only.component }
}

/** Everything that an observation says of its value, with what restricts it, on one line. */
function readingText({ observation, components, statistic, time }: Saying, view: ObservationView): string {
  const { timeZone: zone, related } = view
  const value = valueText(observation, zone)
  const member = nameOfValue(observation).component
  const own = value === undefined || member === undefined ? value : `${nameWord(member.label)} ${value}`
  const parts = components.map(({ component, label }) => {
    const mark = isModified(component) ? ['modifierExtension not understood: may mean something else'] : []
    const more = [...mark, ...qualifierTexts(component)]
    const said = `${nameWord(label)} ${valueText(component, zone) ?? 'without a value'}`
    return more.length === 0 ? said : `${said} (${more.join(', ')})`
  })
  const panel = relatedTexts(observation, related)
  const said = [...(own === undefined ? [] : [own]), ...parts]
  const text = said.length > 0 ? [said.join(', ')] : panel.length > 0 ? [] : ['without a value']
  const issued = isIssuedLater(observation, time, zone) ? [`issued ${issuedText(observation, zone)}`] : []
  const all = [
    ...text,
    ...marksOf(observation, statistic),
    ...qualifierTexts(observation),
    ...panel,
    ...noteTexts(observation),
    ...issued,
  ]
  return oneLine(all.join('; '), whole)
}

function marksOf(observation: Observation, statistic: string | undefined): string[] {
  const { status } = observation
  return [
    ...(excludedStatusOf(observation) === undefined ? [] : [`${status.toUpperCase()}: not a reading`]),
    ...(['preliminary', 'registered', 'unknown'].includes(status) ? [`status ${status}`] : []),
    ...(isModified(observation) ? ['modifierExtension not understood: may mean something else'] : []),
    ...(hasOtherFocus(observation) ? [`FOCUS ${focusText(observation)}: not a reading of the patient`] : []),
    ...(modalityOf(observation) === 'self-reported' ? ['self-reported'] : []),
    ...(statistic === undefined ? [] : [`${statisticWord(statistic)}, not a single reading`]),
    ...(isImported(observation) ? ['imported'] : []),
  ]
}

/** Whether `issued` is when a device or a person made the record, which is of no interest where it has a time. */
function isOfSchema(code: Observation['code']): boolean {
  return schemaNameOf(code) !== undefined
}

/** When it was released; the time of an undated one would be no more than a guess. */
function issuedText({ issued }: Observation, zone: string): string | undefined {
  return issued === undefined ? undefined : readingTime({ effectiveInstant: issued }, zone).text
}

/** Whether its release says more than its time does: it is on another day. */
function isIssuedLater({ issued, code }: Observation, time: ReadingTime, zone: string): boolean {
  if (isOfSchema(code)) return false
  const at = issued === undefined ? undefined : readingTime({ effectiveInstant: issued }, zone).from
  if (at === undefined || time.from === undefined) return false
  return dayOf(at, zone) !== dayOf(time.to ?? time.from, zone)
}

function lineOf({ observation, type, name, time, text }: Said, { timeZone }: ObservationView): string {
  const code = distinguishingCode(observation, type)
  const issued = time.isDated ? undefined : issuedText(observation, timeZone)
  return barred([
    issued === undefined ? time.text : `${time.text}, issued ${issued}`,
    code === undefined ? nameWord(name) : `${nameWord(name)} ${code}`,
    text,
    observation.id,
  ]).trim()
}

type RareColumn = (typeof rareColumns)[number]

function rareCell(
  { observation, interpretation, focus, time }: Said,
  column: RareColumn,
): string | undefined {
  if (column === 'issued')
    return time.isDated && isOfSchema(observation.code) ? undefined : observation.issued
  if (column === 'imported_from') return isImported(observation) ? observation.meta?.source : undefined
  return column === 'focus' ? focus : interpretation
}

function cellsOf({ observation, name, holder, time, statistic, text }: Said): Row['cells'] {
  const [coding] = observation.code?.coding ?? []
  const value = plainNumberOf(observation, holder)
  const { valueQuantity } = holder
  const unit = valueQuantity === undefined ? undefined : shownUnit(unitOf(valueQuantity), [])
  return [
    observation.id ?? null,
    time.startText ?? (time.text === 'undated' ? null : time.text),
    time.endText ?? null,
    name,
    value?.number ?? null,
    unit === undefined || unit.label === '' ? null : unit.label,
    statistic ?? null,
    text,
    observation.status ?? null,
    coding?.code === undefined ? null : `${coding.system ?? ''}|${coding.code}`,
  ]
}

function plainNumberOf(observation: Observation, holder: ValueHolder) {
  const reading = numberOf(holder, isModified(observation))
  return 'number' in reading && notSummarised(observation) === undefined ? reading : undefined
}
