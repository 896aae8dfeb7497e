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

function nameOfConcept(concept: CodeableConcept | undefined): Named {
  const coding = concept?.coding?.find(({ code }) => code !== undefined)
  const label = oneLine(conceptWithCode(concept ?? {}))
  return { label, key: coding === undefined ? label : `${coding.system ?? ''}|${coding.code}` }
}
