import type { Grant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import { membersOf, requireMember } from '../check.ts'
import type { ObservationPageQuery, PatientsPage, PatientsQuery } from '../exchange.ts'
import { handedOn } from '../handed-on.ts'
import { readPatients } from '../patient-by-patient.ts'
import { observationsOf } from './both-origins.ts'
import { areFewer, readStudyPages, type StudyBranch, studyBranches } from './study-pages.ts'

/**
 * The observations of many patients of a grant. A study that says what it requested is counted first, code by code; codes that
 * nobody has are not asked for any more, and where its pages are fewer requests than one per patient, they are read.
 */
export async function* observationsOfPatients(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): AsyncIterable<PatientsPage> {
  for (const patient of query.patients) requireMember(grant, patient)
  const own: Asking = { ...asking, call: { ...asking.call, signal: query.signal } }
  const branches = await studyBranches(own, grant, query)
  if (branches?.length === 0) {
    yield { observations: [], gaps: [], whole: query.patients, unread: [] }
    return
  }
  const found = branches === undefined ? query : withCodesOf(query, branches)
  const ask = (patient: string, page: ObservationPageQuery) => observationsOf(own, grant, patient, page)
  yield* handedOn(async (give) => {
    const given = new Set<string>()
    const { length } = query.patients
    if (branches !== undefined && areFewer(branches, length, membersOf(grant)?.length ?? length)) {
      if (await readStudyPages({ asking: own, grant, query, branches, given, give })) return
    }
    await readPatients(ask, found, { give, given })
  })
}

/** The same with the codes alone that somebody has. */
function withCodesOf(query: PatientsQuery, branches: readonly StudyBranch[]): PatientsQuery {
  const codes = branches.flatMap(({ search }) => (search.code === undefined ? [] : [search.code]))
  return query.codes === undefined ? query : { ...query, codes }
}
