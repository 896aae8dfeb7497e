import { type CompartmentRule, type CompartmentType, compartmentRule } from '../../fhir/compartment.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import type { AnyResource, Bundle } from '../../fhir/types.ts'
import { leak, patientNamed, rejected } from '../check.ts'

/** What resources are held against. */
export interface Holding {
  readonly type: CompartmentType
  /** Id of the grant's patient. */
  readonly patient: string
  readonly baseUrl: string
}

/** The same of any type, which says in `owner` whose it is. */
export interface OwnedHolding extends Omit<Holding, 'type'> {
  readonly type: string
  readonly owner: CompartmentRule['owner']
}

/**
 * The resources of a searchset, each one held against the type and the patient. An OperationOutcome is passed over, since
 * `isPartial` has read it; one of mode `match`, and anything else that was not asked for, `include` too, is EXCHANGE_LEAK.
 */
export function heldIn(bundle: Bundle, holding: Holding): AnyResource[] {
  return (bundle.entry ?? []).flatMap(({ resource, search }) => {
    if (resource === undefined) throw rejected('An entry of its answer has no resource.')
    const found = anyResourceOf(resource)
    const said = search?.mode === 'outcome' || search?.mode === undefined
    if (found.resourceType === 'OperationOutcome' && said) return []
    if (search?.mode !== undefined && search.mode !== 'match') throw leak()
    return [held(found, holding)]
  })
}

/** A resource of a patient's compartment. Throws EXCHANGE_LEAK for another type and another patient, or where it does not say whose it is. */
export function held(resource: AnyResource, holding: Holding): AnyResource {
  return heldBy(resource, { ...holding, owner: compartmentRule(holding.type).owner })
}

/** The same of any type. */
export function heldBy(resource: AnyResource, { type, owner, patient, baseUrl }: OwnedHolding): AnyResource {
  if (resource.resourceType !== type) throw leak()
  if (typeof resource.id !== 'string' || !isFhirId(resource.id)) {
    throw rejected('A resource of its answer has no usable id.')
  }
  const named = resource[owner]
  if (!isObject(named) || patientNamed(named.reference, baseUrl) !== patient) throw leak()
  return resource
}

/** A typed resource as any resource. */
export function anyResourceOf({
  id,
  ...elements
}: {
  resourceType: string
  id?: string | undefined
}): AnyResource {
  return id === undefined ? elements : { ...elements, id }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
