import { type CompartmentType, compartmentRule, valuesAt } from '../fhir/compartment.ts'
import { isImported } from '../fhir/imported.ts'
import { leftOutOf } from '../fhir/people/left-out.ts'
import type { AnyResource } from '../fhir/types.ts'
import { elementTexts, textOf, wordOf } from './elements.ts'
import { barred } from './line.ts'
import { type KnownMedications, medicationsWith, referredName } from './medications.ts'
import type { Note } from './outcome.ts'
import { pruneRecord } from './prune.ts'
import { cutLine, quoted, word } from './quoted.ts'
import { withoutBase } from './relative.ts'
import type { Row } from './row.ts'

/** How resources of a patient's record are listed. */
export interface RecordView {
  readonly type: CompartmentType
  readonly baseUrl: string
  /** Medications that the listed ones refer to, as far as they are known. */
  readonly medications: KnownMedications
}

const columns = ['id', 'time', 'name', 'status', 'details'] as const
/** Elements that a line says before all others: they can turn round what the rest says. */
const statuses = [
  ...['status', 'clinicalStatus', 'verificationStatus'],
  ...['lifecycleStatus', 'achievementStatus', 'docStatus'],
] as const
const longestDetails = 400
const longestName = 200

/** A resource as it is answered: without narrative and bookkeeping, marked where something was left out. */
export function recordResource(resource: AnyResource, baseUrl: string): AnyResource {
  return pruneRecord(withoutBase(resource, baseUrl))
}

/** Resources as rows: time, name, status, and what else they say, as far as a line holds it. */
export function recordTable(
  found: readonly AnyResource[],
  { type, baseUrl, medications }: RecordView,
): { columns: readonly string[]; rows: readonly Row[] } {
  const rows = found.map((one): Row => {
    const resource = recordResource(one, baseUrl)
    const { named, dated, searches } = compartmentRule(type)
    const dates = [...dated, ...Object.keys(searches)].flatMap((name) => {
      const rule = searches[name]
      return rule?.kind === 'date' ? rule.paths : []
    })
    const [time] = textsAt(resource, dates)
    const [name = referredName(resource, type, medications)] = textsAt(resource, named)
    const status = statusOf(resource)
    const details = cutLine(detailsOf(resource, type, [time, name]), longestDetails)
    return {
      resource,
      leftOut: leftOutOf(one),
      included: medicationsWith(resource, type, medications),
      line: barred([time ?? 'undated', name ?? 'without a name', status, details, resource.id]),
      cells: [resource.id ?? null, time ?? null, name ?? null, status ?? null, details],
    }
  })
  return { columns, rows }
}

/** Everything that a resource says, a line for each element, with the name of the medication that it refers to. */
export function recordLines(
  resource: AnyResource,
  type: CompartmentType,
  medications: KnownMedications,
): string[] {
  const marks = marksOf(resource)
  const name = referredName(resource, type, medications)
  return [
    ...(marks.length === 0 ? [] : [marks.join(', ')]),
    ...(name === undefined ? [] : [`medication: ${name}`]),
    ...elementTexts(resource).map(([path, text]) => `${pathWord(path)}: ${text}`),
  ]
}

/** What has to be said of resources beside themselves. */
export function recordNotes(found: readonly AnyResource[]): Note[] {
  const notes: Note[] = []
  if (found.some(isError)) {
    const text = 'What is marked ENTERED-IN-ERROR was recorded by mistake: it says nothing of the patient.'
    notes.push({ severity: 'warning', code: 'informational', text })
  }
  if (found.some(isImported)) {
    const text =
      'The exchange imported these records from other FHIR servers: meta.source says which, and who is meant by subject or patient is what the exchange says.'
    notes.push({ severity: 'information', code: 'informational', text })
  }
  return notes
}

function statusOf(resource: AnyResource): string | undefined {
  const words = statuses.flatMap((path) => valuesAt(resource, path).flatMap((value) => wordOf(value) ?? []))
  const all = [...marksOf(resource), ...words.map(word)]
  return all.length === 0 ? undefined : all.join(', ')
}

/** What turns round the rest of what a resource says. */
function marksOf(resource: AnyResource): string[] {
  const modified = 'modifierExtension' in resource || 'implicitRules' in resource
  return [
    ...(resource.doNotPerform === true ? ['DO NOT PERFORM'] : []),
    ...(isError(resource) ? ['ENTERED-IN-ERROR'] : []),
    ...(modified ? ['modifierExtension not understood: may mean something else'] : []),
  ]
}

function isError(resource: AnyResource): boolean {
  const codes = statuses.flatMap((path) => [path, `${path}.coding.code`])
  return codes.some((path) => valuesAt(resource, path).includes('entered-in-error'))
}

function detailsOf(
  resource: AnyResource,
  type: CompartmentType,
  shown: readonly (string | undefined)[],
): string {
  const said: readonly string[] = [...statuses, compartmentRule(type).owner, 'doNotPerform']
  return elementTexts(resource)
    .filter(([path, text]) => !said.includes(path) && !shown.includes(cutLine(text, longestName)))
    .map(([path, text]) => `${pathWord(path)} ${text}`)
    .join('; ')
}

function pathWord(path: string): string {
  return /^\w+(\.\w+)*$/.test(path) ? path : quoted(path)
}

function textsAt(resource: AnyResource, paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    valuesAt(resource, path).flatMap((value) => {
      const text = textOf(value)
      return text === undefined ? [] : [cutLine(text, longestName)]
    }),
  )
}
