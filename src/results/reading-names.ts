import type { CodeableConcept, Observation, ObservationComponent } from '../fhir/types.ts'
import { type DataType, findDataType, type Member, measureOf } from '../open-mhealth/data-types.ts'
import { loincSystem } from '../open-mhealth/systems.ts'
import { schemaNameOf } from '../open-mhealth/undescribed.ts'
import { word } from './quoted.ts'
import { conceptLabel } from './values.ts'

/** A name for people, and a key that keeps what differs apart. */
export interface Named {
  readonly label: string
  readonly key: string
}

/** What an observation is of: the short name of its type, else that of its schema, else the name of its code. */
export function nameOfObservation({ code }: Observation, type = measureOf(code)?.type): Named {
  if (type !== undefined) return { label: type.name, key: type.name }
  const schema = schemaNameOf(code)
  if (schema === undefined) return nameOfConcept(code)
  // Another version of a schema that is described may mean something else, whatever LOINC stands beside it.
  return findDataType(schema) === undefined
    ? { label: schema, key: schema }
    : nameOfConcept({ ...code, coding: (code.coding ?? []).filter(({ system }) => system !== loincSystem) })
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
  return member === undefined ? nameOfConcept(component.code) : nameOfMember(member)
}

/** What a member of a type is called. */
export function memberLabel({ path }: Member): string {
  return path.replace(/[._]+/g, ' ')
}

function nameOfMember(member: Member): Named {
  return { label: memberLabel(member), key: member.path }
}

/** What a value is of: a type, and which of its values where it has several. */
export interface ValueName {
  readonly type: Named
  /** Undefined for the one value of a type. */
  readonly component: Named | undefined
  /** The concept that names the type. */
  readonly concept: CodeableConcept
}

/** What the value of an observation itself is of; a member that stands alone (a systolic pressure) is named as in its panel. */
export function nameOfValue(observation: Observation): ValueName {
  const member = measureOf(observation.code)?.member
  const component = member === undefined ? undefined : nameOfMember(member)
  return { type: nameOfObservation(observation), component, concept: observation.code }
}

/**
 * What the value of a component is of. In a panel that is of no type itself (vital signs) it is what the component's own code
 * says, so that it stands with the observations of that code.
 */
export function nameOfComponentValue(observation: Observation, component: ObservationComponent): ValueName {
  const { code } = observation
  const type = measureOf(code)?.type
  const own = type === undefined && schemaNameOf(code) === undefined ? measureOf(component.code) : undefined
  if (own !== undefined) {
    return {
      type: { label: own.type.name, key: own.type.name },
      component: own.member === undefined ? undefined : nameOfMember(own.member),
      concept: component.code,
    }
  }
  const named = nameOfComponent(component, type)
  return { type: nameOfObservation(observation, type), component: named, concept: code }
}

/** The LOINC codes of an observation whose type has several: specimen, site, method or circumstances differ. */
export function distinguishingCode(observation: Observation, type: DataType | undefined): string | undefined {
  if (type === undefined) return undefined
  const codes = (observation.code.coding ?? []).filter(({ system }) => system === loincSystem)
  const [usual, ...others] = type.loinc
  const isUsual = others.length === 0 && codes.every(({ code }) => code === usual)
  return codes.length > 0 && !isUsual ? codes.map(({ code }) => word(code ?? '')).join('+') : undefined
}

/** LOINC's code tells what is measured, wherever a writer put it; a code of the writer's own stands beside it or alone. */
function nameOfConcept(concept: CodeableConcept | undefined): Named {
  const coded = (concept?.coding ?? []).filter(({ code }) => code !== undefined)
  const coding = coded.find(({ system }) => system === loincSystem) ?? coded[0]
  const label = conceptLabel({ ...concept, ...(coding === undefined ? {} : { coding: [coding] }) })
  return { label, key: coding === undefined ? label : `${coding.system ?? ''}|${coding.code}` }
}
