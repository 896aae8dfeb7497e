import type { CodeableConcept, Observation, ObservationComponent } from '../fhir/types.ts'
import { type DataType, dataTypeOf } from '../open-mhealth/data-types.ts'
import { loincSystem } from '../open-mhealth/systems.ts'
import { oneLine } from './line.ts'
import { conceptWithCode } from './values.ts'

/** A name for people, and a key that keeps what differs apart. */
export interface Named {
  readonly label: string
  readonly key: string
}

/** What an observation is of: the short name of its type, else the name of its code. */
export function nameOfObservation(observation: Observation, type = dataTypeOf(observation)): Named {
  return type === undefined ? nameOfConcept(observation.code) : { label: type.name, key: type.name }
}

/**
 * What a component is of. The two spellings of a member that its type knows (its path in the schema, its LOINC code) have
 * one name.
 */
export function nameOfComponent(component: ObservationComponent, type: DataType | undefined): Named {
  const codings = component.code?.coding ?? []
  const member =
    type?.members.find(({ path }) => codings.some(({ code }) => code === path)) ??
    type?.members.find(({ loinc }) =>
      codings.some(({ system, code }) => system === loincSystem && code === loinc),
    )
  if (member === undefined) return nameOfConcept(component.code)
  return { label: member.path.replace(/[._]+/g, ' '), key: member.path }
}

/** The LOINC code of an observation whose type has several of them: specimen or circumstances differ. */
export function distinguishingCode(observation: Observation, type: DataType | undefined): string | undefined {
  if (type === undefined || type.loinc.length < 2) return undefined
  const codes = (observation.code.coding ?? []).filter(({ system }) => system === loincSystem)
  return codes.length > 0 ? codes.map(({ code }) => code).join('+') : undefined
}

/** LOINC's code tells what is measured, wherever a writer put it; a code of the writer's own stands beside it or alone. */
function nameOfConcept(concept: CodeableConcept | undefined): Named {
  const coded = (concept?.coding ?? []).filter(({ code }) => code !== undefined)
  const coding = coded.find(({ system }) => system === loincSystem) ?? coded[0]
  const label = oneLine(
    conceptWithCode({ ...concept, ...(coding === undefined ? {} : { coding: [coding] }) }),
  )
  return { label, key: coding === undefined ? label : `${coding.system ?? ''}|${coding.code}` }
}
