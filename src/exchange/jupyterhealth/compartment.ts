import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import { type CompartmentType, compartmentRule } from '../../fhir/compartment.ts'
import type { AnyResource } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { rejected, requireHonoured } from '../check.ts'
import { allowedPatient } from '../compartment/allowed.ts'
import { conditionsOf, exactTimeAt } from '../compartment/conditions.ts'
import type { OwnedHolding } from '../compartment/hold.ts'
import type { ResourcePage, ResourceQuery } from '../exchange.ts'
import { keptPosition } from '../kept-position.ts'
import { exchangeId, isImportedId } from './ids.ts'
import { importsWithin, mostImported, readImported } from './imported.ts'

/** How many rows were given, and the last of them, which is looked for first, since a new one may have moved it. */
const positionSchema = z.tuple([z.number().int().min(0).max(mostImported), z.string()])

/**
 * A page of one type of what was imported of the grant's patient, newest first. Conditions are looked at here: the exchange
 * compares dates as texts, whatever their offset, and looks at few elements.
 */
export async function searchOf(
  asking: Asking,
  grant: Grant,
  type: CompartmentType,
  query: ResourceQuery,
): Promise<ResourcePage> {
  const conditions = conditionsOf(type, query.search)
  const after = positionOf(query)
  const holding = await holdingFor(asking, grant, type)
  const found = await readImported(asking, [['patient', holding.patient]], holding, { takesPartial: true })
  if (!found.complete) throw tooMany(type)
  const fitting = found.resources.filter((resource) => conditions.every(({ meets }) => meets(resource)))
  const all = newestFirst(fitting, type)
  const known = after === undefined ? -1 : all.findIndex((resource) => resource.id === after[1])
  const first = known === -1 ? Math.min(after?.[0] ?? 0, all.length) : known + 1
  const resources = all.slice(first, first + query.count)
  return {
    resources,
    positionAfter(n) {
      const last = resources[Math.min(n, resources.length) - 1]?.id ?? after?.[1] ?? ''
      return first + n < all.length ? JSON.stringify([first + n, last]) : undefined
    },
    total: found.gaps.length > 0 ? undefined : all.length,
    gaps: found.gaps,
  }
}

/** One record that was imported, by its id and the patient together, so that the exchange is asked for nobody else's. */
export async function readOf(
  asking: Asking,
  grant: Grant,
  type: CompartmentType,
  id: string,
): Promise<AnyResource> {
  const holding = await holdingFor(asking, grant, type)
  if (!isImportedId(id)) throw fhirMcpError('FORBIDDEN')
  const pairs = [
    ['_id', id],
    ['patient', holding.patient],
  ] as const
  const found = await readImported(asking, pairs, holding, { takesPartial: true })
  if (!found.complete) throw rejected('It has one id more than once.')
  const { resources } = found
  requireHonoured(
    resources.every((resource) => resource.id === id),
    '_id',
  )
  const [only] = resources
  if (only !== undefined) return only
  if (found.gaps.length > 0) throw rejected('It says itself that its answer may be incomplete.')
  throw fhirMcpError('FORBIDDEN')
}

const withoutStudy = "Give the patient's id as patient_id, without study_id."
const byOrganization =
  'This patient is within reach by studies alone; they come by the permission of an organization, or to the patient.'

/** What records are held against, where they may be asked for at all. */
async function holdingFor(asking: Asking, grant: Grant, type: CompartmentType): Promise<OwnedHolding> {
  const patient = exchangeId(allowedPatient(asking, grant, type))
  if (!importsWithin(grant, type, patient)) {
    const { target } = grant.terms
    const cure = target.kind === 'patient' && target.study !== undefined ? withoutStudy : byOrganization
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: `The exchange does not narrow imported records to what a study requested, so no study gives them. ${cure}`,
    })
  }
  const { searches, fhirVersion } = await asking.capabilities()
  if (!compartmentRule(type).releases.includes(fhirVersion) || !Object.hasOwn(searches, type)) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: `The exchange has no ${type} of a patient.` })
  }
  return { type, owner: compartmentRule(type).owner, patient, baseUrl: asking.client.baseUrl }
}

function newestFirst(found: readonly AnyResource[], type: CompartmentType): AnyResource[] {
  const { dated, searches } = compartmentRule(type)
  const paths = dated.flatMap((name) => searches[name]?.paths ?? [])
  const timed = found.map((one) => ({ one, time: exactTimeAt(one, paths)?.from }))
  const sorted = timed.toSorted((a, b) => {
    const [x, y] = [a.time ?? Number.NEGATIVE_INFINITY, b.time ?? Number.NEGATIVE_INFINITY]
    return x === y ? ((a.one.id ?? '') < (b.one.id ?? '') ? -1 : 1) : x < y ? 1 : -1
  })
  return sorted.map(({ one }) => one)
}

function tooMany(type: CompartmentType) {
  return fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
    detail: `More than ${mostImported} ${type} of this patient were imported, which is more than can be read to search them.`,
  })
}

function positionOf({ position }: ResourceQuery): z.output<typeof positionSchema> | undefined {
  return position === undefined ? undefined : keptPosition(positionSchema, position)
}
