import type { Grant } from '../access/grant.ts'
import { type FhirMcpError, fhirMcpError } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'
import { localReference } from '../fhir/reference.ts'
import type {
  AnyResource,
  Bundle,
  Group,
  Observation,
  Patient,
  ResearchStudy,
  ResearchSubject,
} from '../fhir/types.ts'
import { BadAnswer } from './bad-answer.ts'
import type { Gap } from './exchange.ts'

/** The types that are asked for. */
interface Asked {
  Group: Group
  Observation: Observation
  Patient: Patient
  ResearchStudy: ResearchStudy
  ResearchSubject: ResearchSubject
}
export type AskedType = keyof Asked
/** A resource of one type, with an id that is one. */
export type Checked<Type extends AskedType> = Asked[Type] & { id: string }

/** Rows of a search that was read to its end, each id once. */
export interface Rows<Type extends AskedType> {
  /** False when there are more than were wanted; there are no rows then. */
  readonly complete: boolean
  readonly rows: readonly Checked<Type>[]
  /** Why rows may be missing. */
  readonly gaps: readonly Gap[]
}

/** The gaps of several answers, each kind once. */
export function gapsOf(answers: readonly { readonly gaps: readonly Gap[] }[]): Gap[] {
  return [...new Set(answers.flatMap(({ gaps }) => gaps))]
}

/** The error for data outside the grant. It names nothing of it. */
export function leak(): FhirMcpError {
  return fhirMcpError('EXCHANGE_LEAK')
}

/** The error for an answer that contradicts itself or is not FHIR. */
export function rejected(detail: string): FhirMcpError {
  return new BadAnswer(detail)
}

/** Throws NOT_SUPPORTED_BY_EXCHANGE for an answer that shows that a search parameter was ignored. */
export function requireHonoured(honoured: boolean, parameter: string): void {
  if (honoured) return
  throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
    detail: `The exchange answered as if "${parameter}" had not been asked for.`,
  })
}

/**
 * The matches of a searchset, each one held against the type that was asked for. Entries of mode `include` and `outcome`
 * are passed over. Throws EXCHANGE_LEAK for another type and EXCHANGE_REJECTED for an entry that is not a resource.
 */
export function matchesOf<Type extends AskedType>(bundle: Bundle, type: Type): Checked<Type>[] {
  const matches: Checked<Type>[] = []
  for (const { resource, search } of bundle.entry ?? []) {
    if (search?.mode === 'include' || search?.mode === 'outcome') continue
    if (resource?.resourceType === 'OperationOutcome') continue
    matches.push(checkedType(resource, type))
  }
  return matches
}

/** A resource that was read, held against the type and id that were asked for. */
export function checkedRead<Type extends AskedType>(
  resource: AnyResource,
  type: Type,
  id: string,
): Checked<Type> {
  const checked = checkedType(resource, type)
  if (checked.id !== id) throw leak()
  return checked
}

function checkedType<Type extends AskedType>(resource: object | undefined, type: Type): Checked<Type> {
  if (resource === undefined) throw rejected('An entry of its answer has no resource.')
  if (!isOfType(resource, type)) throw leak()
  if (typeof resource.id !== 'string' || !isFhirId(resource.id)) {
    throw rejected('A resource of its answer has no usable id.')
  }
  return resource
}

function isOfType<Type extends AskedType>(resource: object, type: Type): resource is Checked<Type> {
  return 'resourceType' in resource && resource.resourceType === type
}

/** The `total` of a searchset, where the server gives one. Throws EXCHANGE_REJECTED when it is not a number of rows. */
export function totalOf(bundle: Bundle): number | undefined {
  const { total } = bundle
  if (total === undefined || total === null) return undefined
  if (!Number.isSafeInteger(total) || total < 0) throw rejected('The total of its answer is not a number.')
  return total
}

/** The patient that a reference names. Throws EXCHANGE_LEAK for anything that cannot be held against a grant. */
export function patientNamed(reference: unknown, baseUrl: string): string {
  const local = localReference(reference, baseUrl)
  if (local?.type !== 'Patient') throw leak()
  return local.id
}

/** Whether a patient stays in an answer; known ones are left out. Throws EXCHANGE_LEAK for a foreign one. */
export function staysIn(grant: Grant, patient: string): boolean {
  const standing = grant.standing(patient)
  if (standing === 'foreign') throw leak()
  return standing === 'member'
}

/** The patient of a grant on one patient. Throws FORBIDDEN for a grant on anything else. */
export function patientOfGrant(grant: Grant): string {
  const { target } = grant.terms
  if (target.kind !== 'patient') throw fhirMcpError('FORBIDDEN')
  return target.patient
}

/** Throws FORBIDDEN for a patient who is not a member within the grant. */
export function requireMember(grant: Grant, patient: string): void {
  if (grant.standing(patient) !== 'member') throw fhirMcpError('FORBIDDEN')
}

/** The enrolled patients of a grant; undefined: all. Throws FORBIDDEN where the decision did not look at patients. */
export function membersOf(grant: Grant): readonly string[] | undefined {
  const { target, patients, unrestricted } = grant.terms
  if (target.kind === 'patient') return [target.patient]
  if (patients !== undefined) return [...patients.members]
  if (unrestricted) return undefined
  throw fhirMcpError('FORBIDDEN')
}

/** The enrolled patients of a grant, narrowed to `ids` where given; undefined: all. Throws FORBIDDEN for an id outside. */
export function membersWithin(
  grant: Grant,
  ids: readonly string[] | undefined,
): readonly string[] | undefined {
  if (ids === undefined) return membersOf(grant)
  membersOf(grant)
  return [...new Set(ids)].filter((id) => {
    const standing = grant.standing(id)
    if (standing === 'foreign') throw fhirMcpError('FORBIDDEN')
    return standing === 'member'
  })
}

/** The study or organization whose roster a grant is about. Throws FORBIDDEN for a grant on anything else. */
export function rosterTarget(grant: Grant): { kind: 'study' | 'organization'; id: string } {
  const { target } = grant.terms
  if (target.kind === 'study') return { kind: 'study', id: target.study }
  if (target.kind === 'organization') return { kind: 'organization', id: target.organization }
  throw fhirMcpError('FORBIDDEN')
}

/** Plain code unit order, the same on every machine. */
export function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
