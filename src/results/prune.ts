import { isDeepStrictEqual } from 'node:util'
import { isImported } from '../fhir/imported.ts'
import { isMasked, masked } from '../fhir/masked.ts'
import { markSubsetted } from '../fhir/subsetted.ts'
import type { AnyResource, Patient, ResearchStudy } from '../fhir/types.ts'
import { anyResource } from './any-resource.ts'
import { withoutContained } from './relative.ts'
import { withSeenTexts } from './seen.ts'

/** Elements that stay whatever is pruned: what the resource is, and what changes its meaning. */
const always = ['resourceType', 'id', 'implicitRules', 'modifierExtension']

const patientCore = [...always, 'active', 'deceasedBoolean', 'deceasedDateTime', 'gender']
const identifying = ['identifier', 'name', 'birthDate']
const patientContact = ['text', 'telecom', 'address', 'contact', 'photo', 'contained']
const studyCore = [
  ...always,
  'identifier',
  'title',
  'status',
  'phase',
  'period',
  'sponsor',
  'associatedParty',
  'enrollment',
  'recruitment',
]

/** How much of a patient a list gives. */
export interface PatientPruning {
  readonly detail: 'minimal' | 'identified'
  /** Everything but what only `get_patient_demographics` may give; with `identified` only. */
  readonly full: boolean
  /** Participant codes that the exchange keeps in the patient's own identifiers, as JupyterHealth does. */
  readonly codes: readonly string[]
}

/**
 * A patient of a list: id, participant code, birth year, sex and what changes the meaning (`active`, `link`,
 * `deceased[x]`); name, identifiers and birth date when identified. Never telecom, address, contacts, photo or narrative.
 */
export function pruneListedPatient(patient: Patient, pruning: PatientPruning): AnyResource {
  const whole = anyResource(patient)
  if (pruning.detail === 'identified') {
    const kept = pruning.full ? withoutContact(whole) : pick(whole, [...patientCore, ...identifying])
    return settle(whole, pruning.full ? kept : { ...kept, ...metaOf(whole), ...linkOf(patient) })
  }
  const identifier = (patient.identifier ?? []).filter(
    ({ value }) => value !== undefined && pruning.codes.includes(value),
  )
  const birthYear = yearOf(patient.birthDate)
  return settle(whole, {
    ...pick(whole, patientCore),
    ...metaOf(whole),
    ...linkOf(patient),
    ...(identifier.length > 0 ? { identifier } : {}),
    ...(birthYear === undefined ? {} : { birthDate: birthYear }),
  })
}

/** One patient whose demographics were asked for: all but narrative, photo, next of kin and contained resources. */
export function pruneDemographics(patient: Patient): AnyResource {
  const whole = anyResource(patient)
  const kept = omit(whole, ['meta', 'text', 'photo', 'contact', 'contained'])
  return settle(whole, { ...kept, ...metaOf(whole) })
}

/** A study of a list: what tells it from others. */
export function pruneListedStudy(study: ResearchStudy): AnyResource {
  const whole = anyResource(study)
  return settle(whole, { ...pick(whole, studyCore), ...metaOf(whole) })
}

/** One study: all but the narrative and the bookkeeping in `meta`. */
export function pruneStudy(study: ResearchStudy): AnyResource {
  return pruneRecord(anyResource(study))
}

/** A resource of a patient's compartment: all but the narrative and the bookkeeping in `meta`. */
export function pruneRecord(whole: AnyResource): AnyResource {
  return settle(whole, { ...withoutInnerText(omit(whole, ['meta', 'text'])), ...metaOf(whole) })
}

function withoutInnerText(resource: AnyResource): AnyResource {
  const { contained } = resource
  if (!Array.isArray(contained)) return resource
  return { ...resource, contained: contained.map(({ text: _, ...one }) => one) }
}

/** The year of a FHIR date (`1962-05-14`): itself a FHIR date. */
export function yearOf(date: string | undefined): string | undefined {
  return /^\d{4}/.exec(date ?? '')?.[0]
}

function settle(whole: AnyResource, kept: AnyResource): AnyResource {
  const closed = 'contained' in whole && !('contained' in kept) ? dangling(whole, kept) : kept
  return withSeenTexts(isDeepStrictEqual(whole, closed) ? closed : markSubsetted(closed))
}

function dangling(whole: AnyResource, kept: AnyResource): AnyResource {
  return withoutContained({ ...kept, contained: whole.contained })
}

function withoutContact(whole: AnyResource): AnyResource {
  const kept = omit(whole, patientContact)
  if (!Array.isArray(kept.extension)) return kept
  const extension = kept.extension.filter((one) => !/"value(Address|ContactPoint)"/.test(JSON.stringify(one)))
  const { extension: _, ...rest } = kept
  return extension.length > 0 ? { ...rest, extension } : rest
}

/** Of a link only which patient and how; a display could be a name. */
function linkOf({ link }: Patient): { link?: unknown } {
  if (link === undefined || link.length === 0) return {}
  return {
    link: link.map(({ other, type }) => ({
      other:
        other.reference !== undefined ? { reference: other.reference } : isMasked(other) ? other : masked,
      type,
    })),
  }
}

/** Security labels and tags bind whoever reads on; versions and sources are bookkeeping, but for that of an import. */
function metaOf(resource: AnyResource): { meta?: unknown } {
  const { security, tag, source }: { security?: unknown; tag?: unknown; source?: unknown } = {
    ...(resource.meta ?? {}),
  }
  const kept = {
    ...(isImported(resource) ? { source } : {}),
    ...(security === undefined ? {} : { security }),
    ...(tag === undefined ? {} : { tag }),
  }
  return Object.keys(kept).length === 0 ? {} : { meta: kept }
}

/** The named elements, each with what FHIR's JSON keeps beside a primitive (`_gender`). */
function pick(resource: AnyResource, names: readonly string[]): AnyResource {
  const kept = Object.entries(resource).filter(([name]) => names.includes(name.replace(/^_/, '')))
  return { ...Object.fromEntries(kept), resourceType: resource.resourceType }
}

function omit(resource: AnyResource, names: readonly string[]): AnyResource {
  const kept = Object.entries(resource).filter(([name]) => !names.includes(name))
  return { ...Object.fromEntries(kept), resourceType: resource.resourceType }
}
