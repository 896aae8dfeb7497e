import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { waysTo } from '../../access/restrictions.ts'
import { isImported } from '../../fhir/imported.ts'
import type { AnyResource, Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { gapsOf, leak, rejected, requireHonoured, totalOf } from '../check.ts'
import { heldBy, type OwnedHolding } from '../compartment/hold.ts'
import type { Gap } from '../exchange.ts'
import { isPartial } from '../outcomes.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { largestPage } from './rows.ts'

const stamps = 'https://jupyterhealth.org/fhir/StructureDefinition'
/** The extension in which the exchange says whose an imported record is: its own id of the patient. */
const patientStamp = `${stamps}/patient-id`
/** The patient's name, which no question was about. */
const nameStamp = `${stamps}/patient-full-name`

/** The most records of a type that are read of one patient: what is searched by is looked at here. */
export const mostImported = 10_000

/** What was imported of a type, whole; or how many there are, where that is more than is read. */
export type Imported =
  | { readonly complete: true; readonly resources: readonly AnyResource[]; readonly gaps: readonly Gap[] }
  | { readonly complete: false; readonly total: number }

/**
 * Whether imported records of a patient may be in an answer. The exchange narrows them to no study's types, so they may not
 * where all that the grant leaves of a type is what studies requested.
 */
export function importsWithin(grant: Grant, type: string, patient: string): boolean {
  const { target, studies, organizations, restrictions } = grant.terms
  if (target.kind === 'study') return false
  if (target.kind === 'patient' && studies.size > 0 && organizations.size === 0) return false
  const ways = waysTo(restrictions, type)
  if (ways === undefined) return true
  return ways.some(
    ({ categories, codes, study, patients }) =>
      (categories ?? codes ?? study) === undefined && (patients === undefined || patients.has(patient)),
  )
}

/** How imported records are read. */
interface ImportReading {
  /** Whether an answer is taken of which the exchange says that it may be incomplete: then there is a gap. */
  readonly takesPartial?: boolean
  /** Whether the exchange tells imported records from its own by this search, asked where it finds any: else they are none. */
  readonly isTold?: (() => Promise<boolean>) | undefined
}

/**
 * Every imported record that a search finds, each one held against its patient: the exchange keeps what the other server
 * said, with that server's ids, and says in an extension whose it is. `pairs` name the patient.
 */
export async function readImported(
  asking: Asking,
  pairs: SearchPairs,
  holding: OwnedHolding,
  { takesPartial = false, isTold }: ImportReading = {},
): Promise<Imported> {
  const once = () => readOnce(asking, pairs, holding, { takesPartial, isTold })
  const read = (await once()) ?? (await once())
  if (read === undefined) throw rejected('The rows of its answer do not add up to its total.')
  return read
}

/** Undefined where the rows do not add up to the total; who takes a part gets what came, and why it may not be all. */
async function readOnce(
  asking: Asking,
  pairs: SearchPairs,
  holding: OwnedHolding,
  { takesPartial, isTold }: ImportReading,
): Promise<Imported | undefined> {
  const page = async (number: number) => {
    const paged = [
      ...pairs,
      ['_sort', '_lastUpdated'],
      ['_count', String(largestPage)],
      ['_page', String(number)],
    ] as const
    const shape = { ...asking.shape, takesPartial: takesPartial === true }
    const bundle = await asking.client.search(asking.call, holding.type, paged, shape)
    const total = totalOf(bundle)
    if (total === undefined) throw rejected('Its answer has no total.')
    const gaps: readonly Gap[] = isPartial(bundle) ? ['told'] : []
    return { total, resources: resourcesIn(bundle), gaps }
  }
  const first = await page(1)
  const { total } = first
  if (total > 0 && isTold !== undefined && !(await isTold())) {
    return { complete: true, resources: [], gaps: [] }
  }
  if (total > mostImported) return { complete: false, total }
  const others = Math.max(0, Math.ceil(total / largestPage) - 1)
  const rest = await pMap(Array.from({ length: others }), (_, index) => page(index + 2), {
    concurrency: asking.connections,
  })
  const pages = [first, ...rest]
  const all = pages.flatMap(({ resources }) => resources)
  const byId = new Map(all.map((resource) => [resource.id, resource]))
  const gaps = new Set(gapsOf(pages))
  if (byId.size !== total) {
    if (!takesPartial || byId.size > total) return undefined
    gaps.add(byId.size < all.length ? 'repeated' : 'fewer')
  }
  const resources = [...byId.values()].flatMap((one) => heldImport(one, holding) ?? [])
  return { complete: true, resources, gaps: [...gaps] }
}

/**
 * An imported record as one of the patient's: whose it is, is said with the exchange's id. Undefined for one that is about
 * something else than a person. Throws EXCHANGE_LEAK for another patient's, NOT_SUPPORTED_BY_EXCHANGE for a record that
 * was not imported.
 */
export function heldImport(resource: AnyResource, holding: OwnedHolding): AnyResource | undefined {
  const { type, owner, patient } = holding
  requireStamp(resource, { type, patient })
  const extensions = objectsIn(resource.extension)
  const { extension: _, ...rest } = resource
  const others = extensions.filter(({ url }) => url !== patientStamp && url !== nameStamp)
  const [named] = objectsIn([resource[owner]])
  const elsewhere = named?.reference
  if (!namesPerson(elsewhere)) return undefined
  const own = `Patient/${patient}`
  const renamed = typeof elsewhere === 'string' ? renamedIn(rest, elsewhere, own) : rest
  return heldBy(
    {
      ...renamed,
      resourceType: type,
      ...(others.length === 0 ? {} : { extension: others }),
      [owner]: { reference: own },
    },
    holding,
  )
}

/** Throws EXCHANGE_LEAK for another type or what is another patient's, NOT_SUPPORTED_BY_EXCHANGE for what was not imported. */
export function requireStamp(
  resource: AnyResource,
  { type, patient }: Pick<OwnedHolding, 'type' | 'patient'>,
): void {
  if (resource.resourceType !== type) throw leak()
  requireHonoured(isImported(resource), '_source:below')
  const stamped = objectsIn(resource.extension).filter(({ url }) => url === patientStamp)
  if (stamped.length !== 1 || String(stamped[0]?.valueInteger) !== patient) throw leak()
}

/** A patient of the other server, or what the exchange made of a reference that it did not find. */
function namesPerson(reference: unknown): boolean {
  if (typeof reference !== 'string') return true
  const [, type] = /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(reference) ?? []
  return type === undefined || type === 'Patient'
}

/** The same with the patient's id here in place of the one that the other server had. */
function renamedIn(resource: AnyResource, from: string, to: string): AnyResource {
  const renamed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renamed)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(
      ([name, member]) => [name, name === 'reference' && member === from ? to : renamed(member)] as const,
    )
    return Object.fromEntries(entries)
  }
  const members = Object.entries(resource).map(([name, member]) => [name, renamed(member)] as const)
  return { ...Object.fromEntries(members), resourceType: resource.resourceType }
}

/** The resources of a searchset; what the exchange says of its own answer was read before. */
export function resourcesIn(bundle: Bundle): AnyResource[] {
  return (bundle.entry ?? []).flatMap(({ resource }) => {
    if (resource === undefined) throw rejected('An entry of its answer has no resource.')
    const { id, ...elements } = resource
    return resource.resourceType === 'OperationOutcome'
      ? []
      : [id === undefined ? elements : { ...elements, id }]
  })
}

function objectsIn(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'object' && one !== null) : []
}
