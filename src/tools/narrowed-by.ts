import type { Grant } from '../access/grant.ts'

/**
 * What restricts a patient's resources within a grant, in a form that is the same for the same restrictions. A page that the exchange
 * keeps was searched for under them: under others it would hold what may not be seen any more, or lack what may.
 */
export function narrowedBy({ terms }: Grant, patient: string): readonly string[] {
  const ways = terms.restrictions.map(({ types, categories, codes, study, patients }) =>
    JSON.stringify([
      types.toSorted(),
      categories?.toSorted(),
      codes?.map(({ system, code }) => JSON.stringify([system, code])).toSorted(),
      study,
      patients?.has(patient),
    ]),
  )
  return ways.toSorted()
}
