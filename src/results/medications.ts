import { type CompartmentType, compartmentRule, valuesAt } from '../fhir/compartment.ts'
import { localReference } from '../fhir/reference.ts'
import type { AnyResource } from '../fhir/types.ts'
import { textOf } from './elements.ts'
import { quoted } from './quoted.ts'

/** Medications that records refer to, by id. */
export type KnownMedications = ReadonlyMap<string, AnyResource>

/** The medication that a record names by a reference; undefined where it names none so. */
interface Referred {
  readonly reference: string | undefined
  readonly display: string | undefined
}

/** Ids of the medications that a record refers to without a word of what they are. */
export function idsOfUnnamed(resource: AnyResource, type: CompartmentType, baseUrl: string): string[] {
  return referredBy(resource, type).flatMap(({ reference, display }) => {
    const local = display === undefined ? localReference(reference, baseUrl) : undefined
    return local?.type === 'Medication' ? [local.id] : []
  })
}

/** What a record that refers to its medication names it, as a text has it: as it says, as a contained one says, or as a known one says. */
export function referredName(
  resource: AnyResource,
  type: CompartmentType,
  known: KnownMedications,
): string | undefined {
  for (const { reference, display } of referredBy(resource, type)) {
    const medication = reference?.startsWith('#')
      ? containedIn(resource, reference.slice(1))
      : known.get(localReference(reference, '')?.id ?? '')
    const [name] = valuesAt(medication, 'code').flatMap((code) => textOf(code) ?? [])
    if (display !== undefined) return quoted(display)
    if (name !== undefined) return name
  }
  return undefined
}

/** The known medications that a record refers to, as they come along with it. */
export function medicationsWith(
  resource: AnyResource,
  type: CompartmentType,
  known: KnownMedications,
): AnyResource[] {
  return referredBy(resource, type).flatMap(({ reference }) => {
    const medication = known.get(localReference(reference, '')?.id ?? '')
    return medication === undefined ? [] : [medication]
  })
}

function referredBy(resource: AnyResource, type: CompartmentType): Referred[] {
  return (compartmentRule(type).referred ?? [])
    .flatMap((path) => valuesAt(resource, path))
    .map((value) => ({ reference: textAt(value, 'reference'), display: textAt(value, 'display') }))
}

function textAt(value: unknown, name: string): string | undefined {
  const [text] = valuesAt(value, name)
  return typeof text === 'string' && text !== '' ? text : undefined
}

function containedIn(resource: AnyResource, id: string): unknown {
  return valuesAt(resource, 'contained').find((one) => valuesAt(one, 'id')[0] === id)
}
