import { z } from 'zod'
import { discoverCast } from '../../src/demo/cast.ts'
import type { Live } from '../frame/arguments.ts'
import type { Subjects } from './site.ts'

const bundle = z.object({
  entry: z.array(z.object({ resource: z.looseObject({ id: z.string() }) })).default([]),
})

/** Finds on a live server whom and what to ask about. Throws when it has no two studies with patients of their own. */
export async function liveSubjects({ dialect, url, token }: Live): Promise<Subjects> {
  if (dialect === 'hapi') {
    const { study, patient, otherStudy, otherPatient } = await discoverCast(url)
    return { study, patient, otherStudy, otherPatient }
  }
  const search = async (query: string) => {
    const response = await fetch(`${url}/${query}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
    if (!response.ok) throw new Error(`The exchange answered a search with ${response.status}`)
    return bundle.parse(await response.json()).entry.map(({ resource }) => resource.id)
  }
  const rosters = new Map<string, string[]>()
  for (const study of await search('Group?_count=50')) {
    rosters.set(study, await search(`Patient?patient._has:Group:member:_id=${study}&_count=1000`))
  }
  for (const [study, patients] of rosters) {
    for (const [otherStudy, others] of rosters) {
      const patient = patients.find((id) => !others.includes(id))
      const otherPatient = others.find((id) => !patients.includes(id))
      if (patient !== undefined && otherPatient !== undefined)
        return { study, patient, otherStudy, otherPatient }
    }
  }
  throw new Error('The exchange has no two studies with patients of their own')
}
