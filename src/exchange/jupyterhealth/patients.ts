import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { Patient } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { byId, type Checked, checkedRead, leak, membersWithin, patientOfGrant, staysIn } from '../check.ts'
import type { Gap, PatientFilter, PatientList } from '../exchange.ts'
import { hasIdentifier, holdAgainstPatientFilter } from '../honoured.ts'
import { fitsNames, nameConditions, wordsOfName } from '../patient-names.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { birthdateInDays } from '../whole-days.ts'
import { exchangeId, isExchangeId } from './ids.ts'
import { readRows } from './rows.ts'
import { memberOf } from './within.ts'

/**
 * The patients of a grant that fit: one search for each organization and study, or for each patient where that is fewer,
 * put together by id. Who is in a study is in an organization as well, so the studies are asked where somebody is missing yet.
 */
export async function patientsOf(
  asking: Asking,
  grant: Grant,
  filter: PatientFilter,
  ids: readonly string[] | undefined,
): Promise<PatientList> {
  const members = membersWithin(grant, ids)
  const names = namesOf(filter)
  const conditions = [...(members === undefined ? names : []), ...conditionsOf(filter)]
  const fits = (patient: Patient) => {
    const { identifier } = filter
    // Of an identifier the server compares the value only, and for a patient user nothing.
    const isAsked = identifier?.includes('|') || grant.ownAlone !== undefined
    if (identifier !== undefined && isAsked && !hasIdentifier(patient, identifier)) return false
    holdAgainstPatientFilter(patient, filter)
    return fitsNames(patient, filter)
  }
  const gaps = new Set<Gap>()
  const read = async (pairs: SearchPairs) => {
    const { rows, ...said } = await readRows(asking, 'Patient', [...pairs, ...conditions], {
      takesPartial: true,
    })
    for (const gap of said.gaps) gaps.add(gap)
    return rows
  }
  const listOf = (patients: readonly Checked<'Patient'>[]) => ({
    patients: patients.filter(fits).sort(byId),
    gaps: [...gaps],
  })
  if (members === undefined) return listOf(await read([]))

  const wanted = new Set(members.filter(isExchangeId))
  const found = new Map<string, Checked<'Patient'>>()
  const readEach = async (patients: readonly string[]) => {
    const pages = await pMap(
      patients,
      async (id) => {
        const rows = await read([['_id', id]])
        if (rows.some((row) => row.id !== id)) throw leak()
        return rows
      },
      { concurrency: asking.connections },
    )
    for (const patient of pages.flat()) found.set(patient.id, patient)
  }
  const branches = studiesOf(grant).length + organizationsOf(grant).length
  if (wanted.size <= branches || branches === 0) {
    await readEach([...wanted])
  } else {
    const readWithin = async (places: SearchPairs) => {
      const pages = await pMap(places, (place) => read([place]), { concurrency: asking.connections })
      for (const patient of pages.flat()) {
        if (staysIn(grant, patient.id) && wanted.has(patient.id)) found.set(patient.id, patient)
      }
    }
    const [studies, organizations] = [studiesOf(grant), organizationsOf(grant)]
    // Where the exchange looks at a condition, nobody can be said to be missing.
    if (conditions.length > 0) await readWithin([...studies, ...organizations])
    else {
      await readWithin(organizations)
      if (found.size < wanted.size) await readWithin(studies)
    }
    // A patient context is a way of its own, outside of studies and organizations.
    const { own } = grant.terms
    if (own !== undefined && wanted.has(own) && !found.has(own)) await readEach([own])
  }
  return listOf([...found.values()])
}

/** The patient of a grant on one patient. */
export async function patientOf(asking: Asking, grant: Grant): Promise<Patient> {
  const id = exchangeId(patientOfGrant(grant))
  return checkedRead(await asking.client.read(asking.call, 'Patient', id, asking.shape), 'Patient', id)
}

function studiesOf({ terms: { target, studies } }: Grant): SearchPairs {
  if (target.kind === 'patient') return []
  return [...studies].filter(isExchangeId).map((id) => memberOf({ kind: 'study', id }))
}

function organizationsOf({ terms: { target, organizations } }: Grant): SearchPairs {
  if (target.kind === 'patient') return []
  return [...organizations].filter(isExchangeId).map((id) => memberOf({ kind: 'organization', id }))
}

/**
 * Conditions on names, any of the words. The exchange tells diacritics apart, so within a grant whose patients are known it is
 * asked for all of them, who are compared here; for everybody on the exchange that would be too many.
 */
function namesOf(filter: PatientFilter): SearchPairs {
  return nameConditions.flatMap((parameter) => {
    const text = filter[parameter]
    return text === undefined ? [] : [[parameter, wordsOfName(text).join(',')] as const]
  })
}

function conditionsOf({ birthdate, identifier }: PatientFilter): SearchPairs {
  return [
    ...(birthdate ?? []).flatMap(birthdateInDays).map((days) => ['birthdate', days] as const),
    ...(identifier === undefined ? [] : [['identifier', withBar(identifier)] as const]),
  ]
}

/** An identifier without `|` is ignored. */
function withBar(identifier: string): string {
  const bar = identifier.indexOf('|')
  if (identifier.includes(',')) throw unsupported('an identifier with a comma')
  nonEmpty(identifier.slice(bar + 1).trim())
  return bar === -1 ? `|${identifier}` : identifier
}

function nonEmpty(text: string): string {
  if (text !== '') return text
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'A search condition must not be empty.' })
}

function unsupported(what: string) {
  return fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: `It cannot search for ${what}.` })
}
