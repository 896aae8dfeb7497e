import type { AnyResource } from '../fhir/types.ts'
import { permissionsClaim } from '../test-kit/permissions-claim.ts'

/** Somebody who plays in the demo. */
export interface Person {
  readonly name: string
  readonly about: string
  /** What this person may see, in words. */
  readonly sees: string
  readonly claims: ReturnType<typeof permissionsClaim>
}

/** Who plays, and whom and what they ask about. */
export interface Cast {
  readonly manager: Person
  readonly viewer: Person
  readonly stranger: Person
  /** In reach of the manager, and nobody else. */
  readonly study: string
  readonly patient: string
  /** In reach of the viewer, and nobody else. */
  readonly otherStudy: string
  readonly otherPatient: string
}

interface Named {
  readonly id: string
  readonly name: string
}

interface Parts {
  readonly studies: readonly Named[]
  readonly organization: Named | undefined
  readonly patient: string
}

/** The cast for the synthetic cohort. */
export function syntheticCast(): Cast {
  const acme = { id: 'org-1', name: 'Acme Pharma' }
  const hospital = { id: 'org-2', name: 'Uni Hospital' }
  const [a, b, c] = [
    { id: 'study-a', name: 'Study A' },
    { id: 'study-b', name: 'Study B' },
    { id: 'study-c', name: 'Study C' },
  ]
  return castOf(
    { studies: [a, c], organization: acme, patient: 'pat-2' },
    { studies: [b], organization: hospital, patient: 'pat-9' },
  )
}

/** Finds two studies on a FHIR server, and a patient in each that is not in the other. Throws when there are none. */
export async function discoverCast(baseUrl: string): Promise<Cast> {
  const studies = await search(baseUrl, 'ResearchStudy?_count=50&_sort=_id')
  const rosters = await Promise.all(studies.map((study) => partsOf(baseUrl, study)))
  const populated = rosters.filter(({ patients }) => patients.length > 0)
  for (const one of populated) {
    for (const other of populated) {
      const patient = one.patients.find((id) => !other.patients.includes(id))
      const otherPatient = other.patients.find((id) => !one.patients.includes(id))
      if (patient === undefined || otherPatient === undefined) continue
      return castOf(
        { ...one, organization: undefined, patient },
        { ...other, patient: otherPatient, organization: undefined },
      )
    }
  }
  throw new Error(
    'the server has no two studies (ResearchStudy) with patients of their own (ResearchSubject)',
  )
}

async function partsOf(baseUrl: string, study: AnyResource) {
  const id = study.id ?? ''
  const rows = await search(baseUrl, `ResearchSubject?study=ResearchStudy/${id}&_count=200`)
  const enrolled = rows.filter(({ status }) => status === 'on-study' || status === 'active')
  const patients = enrolled.flatMap(({ individual, subject, progress }) => {
    const { reference } = (individual ?? subject ?? {}) as { reference?: string }
    return progress === undefined && reference?.startsWith('Patient/') ? [reference.slice(8)] : []
  })
  return { studies: [{ id, name: String(study.title ?? id) }], patients }
}

async function search(baseUrl: string, query: string): Promise<AnyResource[]> {
  const response = await fetch(`${baseUrl}/${query}`, {
    headers: { Accept: 'application/fhir+json', 'Cache-Control': 'no-cache' },
  })
  if (!response.ok) throw new Error(`the FHIR server answered a search with ${response.status}`)
  const bundle = (await response.json()) as { entry?: { resource: AnyResource }[] }
  return (bundle.entry ?? []).map(({ resource }) => resource)
}

function castOf(one: Parts, other: Parts): Cast {
  return {
    manager: person('Maya', 'manager', one),
    viewer: person('Victor', 'viewer', other),
    stranger: {
      name: 'Sam',
      about: 'signed in, permitted nothing',
      sees: 'Signed in, but permitted nothing. Sees no study and no patient.',
      claims: permissionsClaim(),
    },
    study: one.studies[0]?.id ?? '',
    patient: one.patient,
    otherStudy: other.studies[0]?.id ?? '',
    otherPatient: other.patient,
  }
}

function person(name: string, role: string, { studies, organization }: Parts): Person {
  const ids = studies.map(({ id }) => id)
  const place = organization === undefined ? '' : ` of ${organization.id}`
  const organizations = organization === undefined ? {} : { [organization.id]: role }
  const about = `${role}${place}, permitted ${ids.join(' and ')}`
  return {
    name,
    about,
    sees: inWords(role === 'manager' ? 'Manager' : 'Viewer', studies, organization),
    claims: permissionsClaim({ studies: ids, organizations }),
  }
}

function inWords(role: string, studies: readonly Named[], organization: Named | undefined): string {
  const titles = studies.map(({ name }) => `“${name}”`).join(' and ')
  const them = studies.length === 1 ? 'the study' : 'the studies'
  const reach = `${them} ${titles} with all who take part`
  if (organization === undefined) return `Sees ${reach}.`
  return `${role} at ${organization.name}. Sees ${reach}, and all patients of ${organization.name}.`
}
