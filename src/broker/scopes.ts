import type { CompartmentType } from '../fhir/compartment.ts'

/** The scopes that every tool but those on the record needs, with what they let a client do, in the words of the consent page. */
const baseScopeWords = {
  'user/Patient.rs': 'See who takes part: participant codes, birth dates, names, contact details',
  'user/Observation.rs': 'Read measurements, such as heart rate and blood pressure',
  'user/ResearchStudy.rs': 'Read studies: titles, descriptions, numbers of participants',
} as const

const recordScopeWords = {
  'user/AllergyIntolerance.rs': 'Read allergies and intolerances',
  'user/CarePlan.rs': 'Read care plans',
  'user/CareTeam.rs': 'Read who is in care teams, by their parts',
  'user/Condition.rs': 'Read diagnoses and problems',
  'user/Coverage.rs': 'Read insurance coverage',
  'user/Device.rs': 'Read which devices people use',
  'user/DiagnosticReport.rs': 'Read findings of laboratory tests, imaging and other examinations',
  'user/DocumentReference.rs': 'Read what is said of documents, without their contents',
  'user/Encounter.rs': 'Read visits and stays',
  'user/Goal.rs': 'Read goals of care',
  'user/Immunization.rs': 'Read vaccinations',
  'user/MedicationAdministration.rs': 'Read which medicines were given',
  'user/MedicationDispense.rs': 'Read which medicines were handed out',
  'user/MedicationRequest.rs': 'Read which medicines were prescribed',
  'user/MedicationStatement.rs': 'Read which medicines are taken',
  'user/Procedure.rs': 'Read operations and other procedures',
  'user/QuestionnaireResponse.rs': 'Read answers to questionnaires',
  'user/ServiceRequest.rs': 'Read what was ordered: tests, referrals, treatments',
} as const satisfies Readonly<Record<`user/${CompartmentType}.rs`, string>>

const dataScopeWords = { ...baseScopeWords, ...recordScopeWords }

const offlineWords = 'Stay connected, without asking you to sign in each time'

/** A scope that gives access to data. */
export type DataScope = keyof typeof dataScopeWords

/** The scopes that clients are offered where no type of the record is allowed. */
export const dataScopes = Object.keys(baseScopeWords).filter(isDataScope)

/** The scopes that clients are offered where these types of the record are allowed. */
export function offeredScopes(types: readonly CompartmentType[]): readonly DataScope[] {
  return [...dataScopes, ...types.map((type) => `user/${type}.rs` as const)]
}

/** Every scope that a client may ask for, with those that it is offered. */
export function allScopes(offered: readonly string[] = dataScopes): string[] {
  return ['openid', 'offline_access', ...offered]
}

/** Whether a scope gives access to data. */
export function isDataScope(scope: string): scope is DataScope {
  return Object.hasOwn(dataScopeWords, scope)
}

/** What the person is told about a scope that may be taken away. */
export function wordsOf(scope: DataScope | 'offline_access'): string {
  return scope === 'offline_access' ? offlineWords : dataScopeWords[scope]
}

/**
 * The scope of a request for authorization. A token without any SMART scope is not narrowed by scopes, so a request for none
 * is one for all of them that are offered, by name (RFC 6749 §3.3: a default). Those that are not are left out; scopes that
 * nobody knows are left to the provider.
 */
export function completeScope(scope: string | null, offered: readonly string[] = dataScopes): string {
  const words = (scope ?? '').split(' ').filter((word) => word !== '')
  const kept = words.filter((word) => !isDataScope(word) || offered.includes(word))
  return (kept.some(isDataScope) ? kept : [...kept, ...offered]).join(' ')
}
