import type { AnyResource } from '../fhir/types.ts'

const stateSystem = 'http://terminology.hl7.org/CodeSystem/research-subject-state'
const partyRoleSystem = 'http://hl7.org/fhir/research-study-party-role'

/**
 * A resource of an R4 cohort as FHIR R5 has it: `ResearchStudy.sponsor` becomes `associatedParty`;
 * `ResearchSubject.individual` becomes `subject`, and its status, where it says more than "on study", a state in
 * `progress`. Resources that are R5 already, and all other types, stay as they are.
 */
export function asR5(resource: AnyResource): AnyResource {
  if (resource.resourceType === 'ResearchStudy' && 'sponsor' in resource) {
    const { sponsor, ...rest } = resource
    const role = { coding: [{ system: partyRoleSystem, code: 'sponsor' }] }
    return { ...rest, associatedParty: [{ name: 'Sponsor', role, party: sponsor }] }
  }
  if (resource.resourceType === 'ResearchSubject' && 'individual' in resource) {
    const { individual, status, ...rest } = resource
    return { ...rest, status: 'active', subject: individual, ...progressOf(status, rest.period) }
  }
  return resource
}

function progressOf(status: unknown, period: unknown): { progress?: readonly object[] } {
  if (status === 'on-study' && period === undefined) return {}
  const start = typeof period === 'object' && period !== null && 'start' in period ? period.start : undefined
  const type = {
    coding: [
      { system: 'http://terminology.hl7.org/CodeSystem/research-subject-state-type', code: 'Enrollment' },
    ],
  }
  const subjectState = { coding: [{ system: stateSystem, code: status }] }
  return { progress: [{ type, subjectState, ...(start === undefined ? {} : { startDate: start }) }] }
}
