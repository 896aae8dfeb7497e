import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { ResearchStudy } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import { byId, checkedRead, gapsOf, leak } from '../check.ts'
import type { StudyList } from '../exchange.ts'
import { readRows } from './rows.ts'

const chunk = 500

/** The studies of a grant by their ids; every study of the exchange for an unrestricted grant. */
export async function studiesOf(asking: Asking, grant: Grant): Promise<StudyList> {
  if (grant.terms.unrestricted) {
    const every = [
      ['_sort', '_id'],
      ['_count', '1000'],
      ['_total', 'accurate'],
      ['_pretty', 'false'],
    ] as const
    const { rows, gaps } = await readRows(asking, 'ResearchStudy', every, { takesPartial: true })
    return { studies: [...rows].sort(byId), missing: [], gaps }
  }
  const ids = [...grant.terms.studies].sort()
  const pages = await pMap(
    chunksOf(ids, chunk),
    async (some) => {
      const pairs = [
        ['_id', some.join(',')],
        ['_count', String(chunk)],
        ['_pretty', 'false'],
      ] as const
      const settings = { post: some.length > 20, limit: some.length, takesPartial: true }
      const { complete, rows, gaps } = await readRows(asking, 'ResearchStudy', pairs, settings)
      const asked = new Set(some)
      if (!complete || rows.some((study) => !asked.has(study.id))) throw leak()
      return { rows, gaps }
    },
    { concurrency: asking.connections },
  )
  const studies = pages.flatMap(({ rows }) => rows).sort(byId)
  const found = new Set(studies.map((study) => study.id))
  return { studies, missing: ids.filter((id) => !found.has(id)), gaps: gapsOf(pages) }
}

/** One study of a grant. */
export async function studyOf(asking: Asking, grant: Grant, id: string): Promise<ResearchStudy> {
  if (!grant.allowsStudy(id)) throw fhirMcpError('FORBIDDEN')
  return checkedRead(
    await asking.client.read(asking.call, 'ResearchStudy', id, asking.shape),
    'ResearchStudy',
    id,
  )
}
