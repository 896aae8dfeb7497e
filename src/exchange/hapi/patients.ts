import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import type { Patient } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import { byId, checkedRead, gapsOf, leak, membersWithin, patientOfGrant, staysIn } from '../check.ts'
import type { PatientFilter, PatientList } from '../exchange.ts'
import { holdAgainstPatientFilter } from '../honoured.ts'
import { fitsNames, nameConditions, wordsOfName } from '../patient-names.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { birthdateInDays, birthdateParts } from '../whole-days.ts'
import { searchValue, tokenValue } from './escape.ts'
import { readRows } from './rows.ts'

const chunk = 500

/** The patients of a grant that fit, asked for by their ids; an unrestricted grant asks for all. */
export async function patientsOf(
  asking: Asking,
  grant: Grant,
  filter: PatientFilter,
  ids: readonly string[] | undefined,
): Promise<PatientList> {
  const conditions = conditionsOf(filter)
  const members = membersWithin(grant, ids)
  if (members === undefined) {
    const pairs = [...conditions, ['_sort', '_id'], ['_count', '1000'], ['_pretty', 'false']] as const
    const { rows, gaps } = await readRows(asking, 'Patient', pairs, { post: true, takesPartial: true })
    for (const patient of rows) holdAgainstPatientFilter(patient, filter)
    return { patients: rows.filter((patient) => fitsNames(patient, filter)).sort(byId), gaps }
  }
  const pages = await pMap(
    chunksOf(members, chunk),
    async (some) => {
      const pairs = [
        ['_id', some.join(',')],
        ...conditions,
        ['_count', String(chunk)],
        ['_pretty', 'false'],
      ] as const
      // One row for each id at the most: whatever is more was not asked for.
      const settings = { post: true, limit: some.length, takesPartial: true }
      const { complete, rows, gaps } = await readRows(asking, 'Patient', pairs, settings)
      if (!complete) throw leak()
      const asked = new Set(some)
      for (const patient of rows) {
        if (!staysIn(grant, patient.id) || !asked.has(patient.id)) throw leak()
        holdAgainstPatientFilter(patient, filter)
      }
      return { rows, gaps }
    },
    { concurrency: asking.connections },
  )
  const found = pages.flatMap(({ rows }) => rows)
  return { patients: found.filter((patient) => fitsNames(patient, filter)).sort(byId), gaps: gapsOf(pages) }
}

/** The patient of a grant on one patient. */
export async function patientOf(asking: Asking, grant: Grant): Promise<Patient> {
  const id = patientOfGrant(grant)
  return checkedRead(await asking.client.read(asking.call, 'Patient', id, asking.shape), 'Patient', id)
}

function conditionsOf(filter: PatientFilter): SearchPairs {
  const { birthdate, identifier } = filter
  return [
    ...nameConditions.flatMap((parameter) => {
      const text = filter[parameter]
      // Any of the words: what follows from all of them is compared here.
      return text === undefined ? [] : [[parameter, wordsOfName(text).map(searchValue).join(',')] as const]
    }),
    ...(birthdate ?? []).flatMap(birthdateValues).map((value) => ['birthdate', value] as const),
    ...(identifier === undefined ? [] : [['identifier', tokenValue(identifier)] as const]),
  ]
}

/** A whole year or month finds those of whom no more than that is known, too. */
function birthdateValues(condition: string): string[] {
  const { prefix, date } = birthdateParts(condition)
  return prefix === 'eq' ? [`eq${date}`] : birthdateInDays(condition)
}
