import type { Grant } from '../../access/grant.ts'
import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import type { ResearchStudy } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { byId, checkedRead } from '../check.ts'
import type { StudyList } from '../exchange.ts'
import { groupToResearchStudy, isStudyGroup, type StudyDetails, studyDetails } from './group.ts'
import { exchangeId, isExchangeId } from './ids.ts'
import { readRows } from './rows.ts'

/**
 * The studies of a grant. Several are found in the list of all Groups that the caller may see, since `_id` takes one id
 * only; Groups that are not within the grant are none of ours.
 */
export async function studiesOf(asking: Asking, grant: Grant): Promise<StudyList> {
  const { unrestricted } = grant.terms
  const ids = [...grant.terms.studies].sort()
  const possible = ids.filter(isExchangeId)
  if (possible.length === 0 && !unrestricted) return { studies: [], missing: ids, gaps: [] }
  const [only] = possible
  const one = possible.length === 1 && !unrestricted ? only : undefined
  const [{ rows, gaps }, details] = await Promise.all([
    readRows(asking, 'Group', one === undefined ? [] : [['_id', one]], { takesPartial: true }),
    detailsFrom(asking, one === undefined ? 'studies?page_size=1000' : `studies/${one}`),
  ])
  const studies = rows
    .filter((group) => grant.allowsStudy(group.id) && isStudyGroup(group))
    .map((group) => ({ ...groupToResearchStudy(group, details.get(group.id)), id: group.id }))
    .sort(byId)
  const found = new Set(studies.map((study) => study.id))
  return { studies, missing: ids.filter((id) => !found.has(id)), gaps }
}

/** One study of a grant. */
export async function studyOf(asking: Asking, grant: Grant, id: string): Promise<ResearchStudy> {
  if (!grant.allowsStudy(id)) throw fhirMcpError('FORBIDDEN')
  const { client, call, shape } = asking
  const [resource, details] = await Promise.all([
    client.read(call, 'Group', exchangeId(id), shape),
    detailsFrom(asking, `studies/${id}`),
  ])
  const group = checkedRead(resource, 'Group', id)
  if (!isStudyGroup(group)) throw fhirMcpError('FORBIDDEN')
  return groupToResearchStudy(group, details.get(id))
}

/** Details are given where the API has them for this caller (patients have no access to it); FHIR alone is enough. */
async function detailsFrom(asking: Asking, path: string): Promise<Map<string, StudyDetails>> {
  try {
    return studyDetails(await asking.api(path))
  } catch (error) {
    if (isFhirMcpError(error)) return new Map()
    throw error
  }
}
