import { z } from 'zod'

/** What a live exchange has to offer for the suite. */
export interface Found {
  readonly studies: readonly { readonly id: string; readonly title: string | undefined }[]
  /** A study of `studies` that has enrolled patients with observations, and one of them. */
  readonly study: string
  readonly patient: string
  /** A patient that is in none of `studies`. */
  readonly stranger: string | undefined
  /** A study that is not among `studies`. */
  readonly otherStudy: string | undefined
  /** A code that the patient has observations of, as `system|code`. */
  readonly code: string | undefined
}

const bundle = z.looseObject({
  total: z.number().optional(),
  entry: z.array(z.object({ resource: z.looseObject({ id: z.string() }) })).default([]),
})
const reference = z.looseObject({ reference: z.string() })

/** Looks at a HAPI server for studies with enrolled patients who have readings. Throws when there are none. */
export async function discoverHapi(base: string): Promise<Found> {
  const search = async (query: string) => {
    const response = await fetch(`${base}/${query}`, { headers: { 'cache-control': 'no-cache' } })
    if (!response.ok) throw new Error(`${base} answered ${response.status}`)
    return bundle.parse(await response.json()).entry.map((entry) => entry.resource)
  }
  const studies = (await search('ResearchStudy?_count=20')).map(({ id, title }) => ({
    id,
    title: typeof title === 'string' ? title : undefined,
  }))
  for (const { id: study } of studies) {
    for (const patient of await enrolledIn(study)) {
      const [observation] = await search(`Observation?patient=${patient}&_count=1&_sort=-date`)
      if (observation === undefined) continue
      const others = studies.filter((other) => other.id !== study)
      const chosen = studies.filter((one) => one.id === study || one.id === others[0]?.id)
      const reached = new Set((await Promise.all(chosen.map((one) => enrolledIn(one.id, true)))).flat())
      const everybody = (await search('Patient?_count=200')).map((one) => one.id)
      return {
        studies: chosen,
        study,
        patient,
        stranger: everybody.find((id) => !reached.has(id)),
        otherStudy: others[1]?.id,
        code: codeOf(observation),
      }
    }
  }
  throw new Error(`${base} has no study with an enrolled patient who has observations`)

  /** Patients of a study whose row says nothing against it; `all`: whatever it says. */
  async function enrolledIn(study: string, all = false): Promise<string[]> {
    const rows = await search(`ResearchSubject?study=ResearchStudy/${study}&_count=200`)
    return rows
      .filter(
        ({ status, progress }) =>
          all || ((status === 'on-study' || status === 'active') && progress === undefined),
      )
      .map((row) => reference.parse(row.individual ?? row.subject).reference.replace('Patient/', ''))
  }
}

/** The first coding of an observation as `system|code`. */
export function codeOf(observation: Record<string, unknown>): string | undefined {
  const schema = z.looseObject({
    coding: z.array(z.looseObject({ system: z.string(), code: z.string() })).min(1),
  })
  const [coding] = schema.safeParse(observation.code).data?.coding ?? []
  return coding === undefined ? undefined : `${coding.system}|${coding.code}`
}
