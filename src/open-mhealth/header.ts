import type { CodeableConcept, Observation } from '../fhir/types.ts'
import { isObject, ownMember } from './body.ts'
import { instantOf } from './instant.ts'
import { conceptOf } from './members.ts'

/** How a value came about: `sensed`, `self-reported`. */
export const modalities: readonly string[] = ['sensed', 'self-reported']

const zoned = /T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

/**
 * What the header of a data point says of it, as elements of an observation: its modality in `method` (beside the method that
 * the body names), the name of its source in `device.display`, and when it was made there in `issued`. Both headers are
 * understood: that of IEEE 1752.1, and that of Open mHealth with its `acquisition_provenance`. What the resource says itself
 * stays. A time without its offset is no instant, and is left out; so are the ids of uploads and data sheets of a known source.
 */
export function headerElements(
  resource: Pick<Observation, 'method' | 'device' | 'issued'>,
  header: unknown,
  system: string,
): Pick<Observation, 'method' | 'device' | 'issued'> {
  if (!isObject(header)) return {}
  const provenance = ownMember(header, 'acquisition_provenance')
  const said = (name: string) => textOf(header, name) ?? textOf(provenance, name)
  const modality = said('modality')
  const source = said('source_name') ?? datasheetOf(header)
  const created = said('source_creation_date_time') ?? said('creation_date_time')
  const elements: Pick<Observation, 'method' | 'device' | 'issued'> = {}
  if (modality !== undefined) elements.method = withModality(resource.method, conceptOf(modality, system))
  if (source !== undefined && resource.device === undefined) elements.device = { display: source }
  if (created !== undefined && resource.issued === undefined && isInstant(created)) elements.issued = created
  return elements
}

/** The modality that an observation has from its header; undefined where it says none. */
export function modalityOf({ method }: Pick<Observation, 'method'>): string | undefined {
  return method?.coding?.find(({ code }) => code !== undefined && modalities.includes(code))?.code
}

function withModality(method: CodeableConcept | undefined, modality: CodeableConcept): CodeableConcept {
  if (method === undefined) return modality
  const texts = [method.text ?? method.coding?.[0]?.display ?? method.coding?.[0]?.code, modality.text]
  return {
    ...method,
    coding: [...(method.coding ?? []), ...(modality.coding ?? [])],
    text: texts.filter((text) => text !== undefined).join(', '),
  }
}

function datasheetOf(header: object): string | undefined {
  const sheets = ownMember(header, 'external_datasheets')
  return Array.isArray(sheets)
    ? sheets.map((sheet) => textOf(sheet, 'datasheet_reference')).find(Boolean)
    : undefined
}

function textOf(object: unknown, name: string): string | undefined {
  const text = isObject(object) ? ownMember(object, name) : undefined
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined
}

function isInstant(text: string): boolean {
  return zoned.test(text) && instantOf(text) !== undefined
}
