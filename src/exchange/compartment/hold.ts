import { type CompartmentRule, type CompartmentType, compartmentRule } from '../../fhir/compartment.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import { masked } from '../../fhir/masked.ts'
import { localReference } from '../../fhir/reference.ts'
import type { AnyResource, Bundle } from '../../fhir/types.ts'
import { leak, patientNamed, rejected } from '../check.ts'
import type { HeldResource } from '../exchange.ts'

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

/** Types that are, or list, people: a reference to one is to somebody else, unless it is the grant's own patient. */
const people = new Set(['Patient', 'RelatedPerson', 'Person', 'Group'])
/** Contained resources that say what a resource is about and cannot be about anybody else. */
const innerTypes = new Set([
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'Substance',
])
const referenceMembers = /^_?(reference|type|identifier|display|id|extension)$/

/**
 * The resources of a searchset, each one held against the type and the patient. An OperationOutcome is passed over, since
 * `isPartial` has read it; one of mode `match`, and anything else that was not asked for, `include` too, is EXCHANGE_LEAK.
 */
export function heldIn(bundle: Bundle, holding: Holding): HeldResource[] {
  return (bundle.entry ?? []).flatMap(({ resource, search }) => {
    if (resource === undefined) throw rejected('An entry of its answer has no resource.')
    const found = anyResourceOf(resource)
    const said = search?.mode === 'outcome' || search?.mode === undefined
    if (found.resourceType === 'OperationOutcome' && said) return []
    if (search?.mode !== undefined && search.mode !== 'match') throw leak()
    return [held(found, holding)]
  })
}

/**
 * A resource of a patient's compartment, without what is of other people: references to them, and contained resources that
 * might be them. Contents of attachments are left out too: nobody can tell what is in them. Throws EXCHANGE_LEAK for
 * another type and another patient, or where it does not say whose it is.
 */
export function held(resource: AnyResource, holding: Holding): HeldResource {
  return heldBy(resource, { ...holding, owner: compartmentRule(holding.type).owner })
}

/** The same of any type. */
export function heldBy(resource: AnyResource, holding: OwnedHolding): HeldResource {
  const { type, patient, baseUrl } = holding
  if (resource.resourceType !== type) throw leak()
  if (typeof resource.id !== 'string' || !isFhirId(resource.id)) {
    throw rejected('A resource of its answer has no usable id.')
  }
  const owner = resource[holding.owner]
  if (!isObject(owner) || patientNamed(owner.reference, baseUrl) !== patient) throw leak()

  const { contained, ...all } = resource
  const rest = withoutSubscriber(all, holding)
  const inner = innerOf(contained)
  const ids = new Set(inner.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])))
  const cleaning: Cleaning = { ...holding, ids, cut: inner.length < countOf(contained) || rest !== all }
  const kept = inner.map(({ contained: _, text: __, ...one }) => cleanedMembers(one, cleaning))
  const cleaned = cleanedMembers(rest, cleaning)
  const whole: AnyResource = {
    ...cleaned,
    resourceType: type,
    id: resource.id,
    ...(kept.length === 0 ? {} : { contained: kept }),
  }
  return { resource: whole, cut: cleaning.cut }
}

/** What an insurer calls the subscriber of a coverage says who that is, unless it is the patient. */
function withoutSubscriber(resource: AnyResource, { patient, baseUrl }: OwnedHolding): AnyResource {
  const { subscriberId, ...rest } = resource
  if (resource.resourceType !== 'Coverage' || subscriberId === undefined) return resource
  const subscriber = isObject(resource.subscriber) ? resource.subscriber.reference : undefined
  const local = localReference(subscriber, baseUrl)
  return local?.type === 'Patient' && local.id === patient ? resource : rest
}

interface Cleaning extends OwnedHolding {
  /** Ids of the contained resources that stay. */
  readonly ids: ReadonlySet<string>
  cut: boolean
}

function innerOf(contained: unknown): Record<string, unknown>[] {
  if (!Array.isArray(contained)) return []
  return contained.filter(
    (one) => isObject(one) && typeof one.resourceType === 'string' && innerTypes.has(one.resourceType),
  )
}

function countOf(contained: unknown): number {
  return contained === undefined ? 0 : [contained].flat().length
}

function cleanedMembers(resource: object, cleaning: Cleaning): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(resource).map(([name, member]) => [name, cleaned(member, cleaning)] as const),
  )
}

function cleaned(value: unknown, cleaning: Cleaning): unknown {
  if (Array.isArray(value)) return value.map((one) => cleaned(one, cleaning))
  if (!isObject(value)) return value
  if ('resourceType' in value) throw rejected('A resource of its answer has another one within it.')
  if (isReference(value)) return cleanedReference(value, cleaning)
  if (typeof value.contentType === 'string' && 'data' in value) {
    const { data: _, ...attachment } = value
    cleaning.cut = true
    return cleanedMembers(attachment, cleaning)
  }
  return cleanedMembers(value, cleaning)
}

function isReference(value: Record<string, unknown>): boolean {
  if (typeof value.reference === 'string') return true
  const names = Object.keys(value)
  const logical = isObject(value.identifier) || typeof value.type === 'string'
  return logical && names.every((name) => referenceMembers.test(name))
}

function cleanedReference(value: Record<string, unknown>, cleaning: Cleaning): unknown {
  const { reference, type, identifier, ...rest } = value
  if (!staysIn(reference, type, cleaning)) {
    cleaning.cut = true
    return masked
  }
  // Without a type and a resource, an identifier may be anybody's.
  if (reference === undefined && type === undefined && identifier !== undefined) {
    cleaning.cut = true
    return Object.keys(rest).length > 0 ? cleanedMembers(rest, cleaning) : masked
  }
  return cleanedMembers(value, cleaning)
}

function staysIn(reference: unknown, type: unknown, { patient, baseUrl, ids }: Cleaning): boolean {
  const named = typeof type === 'string' ? type.slice(type.lastIndexOf('/') + 1) : undefined
  if (reference === undefined) return named === undefined || !people.has(named)
  if (typeof reference !== 'string') return false
  if (reference.startsWith('#')) return reference === '#' || ids.has(reference.slice(1))
  const local = localReference(reference, baseUrl)
  if (local === undefined || (named !== undefined && named !== local.type)) return false
  return local.type === 'Patient' ? local.id === patient : !people.has(local.type)
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
