import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import { decodeObservation } from '../../open-mhealth/decode.ts'
import type { Asking } from '../asking.ts'
import { rejected, staysIn } from '../check.ts'
import type { PatientObservation, PatientsPage, PatientsQuery } from '../exchange.ts'
import { boundsOf } from '../honoured.ts'
import { didNotAnswer } from '../patient-by-patient.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { branchesOf, placesOf, type SearchBranch } from './branches.ts'
import { holdAgainstBranch, subjectOf } from './check-observation.ts'
import { branchPairs } from './filters.ts'
import { askListed } from './listed-codes.ts'
import { countRows, largestPage, readPage } from './rows.ts'

/** Pages beyond which a study is read patient by patient: nobody is whole before the last page has come. */
const mostPages = 100
/** Pages that show how long the others will take. */
const firstPages = 4
/** Of the time that is left: pages do not all take the same. */
const share = 0.9

/** A search over a whole study, and how many rows it has. */
export interface StudyBranch {
  readonly search: SearchBranch
  readonly pairs: SearchPairs
  readonly total: number
}

/**
 * The searches over the grant's study that find something, one per code; undefined where its patients cannot be asked for so:
 * the study's own filter finds what the study requested, so that has to be all that the grant has.
 */
export async function studyBranches(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): Promise<readonly StudyBranch[] | undefined> {
  const { target } = grant.terms
  if (target.kind !== 'study' || query.patients.length < 2) return undefined
  const searches = branchesOf({ grant, patient: undefined, codes: query.codes })
  if (searches.some(({ study }) => study !== target.study)) return undefined
  const bounds = boundsOf(query)
  try {
    const count = async (search: SearchBranch): Promise<StudyBranch> => {
      const pairs = [...placesOf(search, undefined), ...branchPairs(search.code, bounds)]
      return { search, pairs, total: await countRows(asking, pairs) }
    }
    const counted = await askListed(asking, searches, (empty) =>
      pMap(
        searches.filter((search) => !empty.has(search)),
        count,
        { concurrency: query.concurrency },
      ),
    )
    return counted.filter(({ total }) => total > 0)
  } catch (thrown) {
    asking.call.signal.throwIfAborted()
    if (isOtherwise(thrown)) return undefined
    throw thrown
  }
}

/** Whether pages of the study are fewer requests than pages of each patient, if all of its members have as many readings. */
export function areFewer(branches: readonly StudyBranch[], patients: number, members: number): boolean {
  const sumOf = (requests: (total: number) => number) =>
    branches.reduce((sum, { total }) => sum + requests(total), 0)
  const pages = sumOf(pagesOf)
  return pages <= mostPages && pages < sumOf((total) => patients * pagesOf(total / members))
}

/** A study that is read page by page. */
export interface StudyReading {
  readonly asking: Asking
  readonly grant: Grant
  readonly query: PatientsQuery
  readonly branches: readonly StudyBranch[]
  /** Ids of observations that were handed on. */
  readonly given: Set<string>
  readonly give: (page: PatientsPage) => Promise<void>
}

/**
 * Reads the pages of a study and hands on the rows of the patients who were asked for; those of others who are enrolled, or
 * were, are left out. False where that did not work, or would take longer than the call has: then nobody is whole.
 */
export async function readStudyPages(reading: StudyReading): Promise<boolean> {
  const { asking, query, branches, give } = reading
  const rows = branches.map((branch) => ({ branch, ids: new Set<string>(), total: branch.total, next: 1 }))
  type Counted = (typeof rows)[number]
  const begun = asking.now()

  const nextPage = (): [Counted, number] | undefined => {
    const open = rows.find(({ next, total }) => next <= pagesOf(total))
    if (open === undefined) return undefined
    open.next += 1
    return [open, open.next - 1]
  }
  const readOne = async ([counted, number]: [Counted, number]) => {
    query.signal.throwIfAborted()
    const { observations, ids, total } = await readRows(reading, counted.branch, number)
    for (const id of ids) counted.ids.add(id)
    counted.total = total
    await give({ observations, gaps: [], whole: [], unread: [] })
  }
  const readOn = async () => {
    for (let page = nextPage(); page !== undefined; page = nextPage()) await readOne(page)
  }

  try {
    const first = Array.from({ length: firstPages }, nextPage).filter((page) => page !== undefined)
    await pMap(first, readOne, { concurrency: query.concurrency })
    const left = asking.call.left?.() ?? Number.POSITIVE_INFINITY
    const pages = rows.reduce((sum, { total }) => sum + pagesOf(total), 0) - first.length
    if (((asking.now() - begun) / first.length) * pages > left * share) return false
    await Promise.all(Array.from({ length: query.concurrency }, readOn))
    if (rows.some(({ ids, total }) => ids.size !== total)) {
      throw rejected('The rows of its answer do not add up to its total.')
    }
  } catch (thrown) {
    query.signal.throwIfAborted()
    if (isOtherwise(thrown)) return false
    throw thrown
  }
  await give({ observations: [], gaps: [], whole: query.patients, unread: [] })
  return true
}

async function readRows(
  { asking, grant, query, given }: StudyReading,
  { search, pairs }: StudyBranch,
  number: number,
) {
  const bounds = boundsOf(query)
  const sorted = [...pairs, ['_sort', 'date'] as const]
  const { rows, total } = await readPage(asking, 'Observation', sorted, { number, size: largestPage })
  const wanted = new Set(query.patients)
  const observations = rows.flatMap((row): PatientObservation[] => {
    const patient = subjectOf(row, asking.client.baseUrl)
    if (!staysIn(grant, patient)) return []
    holdWithin(grant, row, patient)
    holdAgainstBranch(row, search.code, bounds)
    if (!wanted.has(patient) || given.has(row.id)) return []
    given.add(row.id)
    return [{ patient, observation: decodeObservation(row).observation }]
  })
  return { observations, ids: rows.map(({ id }) => id), total }
}

function pagesOf(total: number): number {
  return Math.ceil(total / largestPage)
}

/** Whether another way of asking may be answered. */
function isOtherwise(thrown: unknown): boolean {
  const kinds = ['EXCHANGE_REJECTED', 'NOT_SUPPORTED_BY_EXCHANGE', 'FORBIDDEN'] as const
  return didNotAnswer(thrown) || kinds.some((kind) => isFhirMcpError(thrown, kind))
}
