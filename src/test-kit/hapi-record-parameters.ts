import { type CompartmentType, compartmentRule, compartmentTypes } from '../fhir/compartment.ts'
import type { FhirVersion } from '../fhir/types.ts'
import type { SearchParameter } from './search-parameter.ts'

/** Names of search parameters that one of the two releases has alone. */
const alone: Readonly<Record<string, FhirVersion>> = {
  'MedicationAdministration effective-time': 'R4',
  'MedicationAdministration date': 'R5',
  'ServiceRequest code': 'R4',
  'ServiceRequest code-concept': 'R5',
}

/** Names that HAPI 8.8 lists in one release, with an index that holds nothing: nothing is found by them. */
const unindexed: Readonly<Record<string, FhirVersion>> = { 'CareTeam date': 'R5' }

/** The search parameters of the types of a patient's record, as far as the stand-in has them. */
export function recordParameters(
  version: FhirVersion,
): Readonly<Record<string, Readonly<Record<string, SearchParameter>>>> {
  const types = compartmentTypes.filter((type) => compartmentRule(type).releases.includes(version))
  return Object.fromEntries(types.map((type) => [type, tableOf(version, type)]))
}

function tableOf(version: FhirVersion, type: CompartmentType): Readonly<Record<string, SearchParameter>> {
  const { owner, searches } = compartmentRule(type)
  const own = Object.entries(searches).filter(([name]) => (alone[`${type} ${name}`] ?? version) === version)
  return {
    identifier: { kind: 'token', paths: ['identifier'] },
    ...Object.fromEntries(
      own.map(([name, search]) =>
        unindexed[`${type} ${name}`] === version ? [name, { ...search, paths: [] }] : [name, search],
      ),
    ),
    patient: { kind: 'reference', paths: [owner], targets: ['Patient'] },
    ...(owner === 'subject'
      ? { subject: { kind: 'reference', paths: [owner], targets: ['Patient', 'Group'] } }
      : {}),
  }
}
