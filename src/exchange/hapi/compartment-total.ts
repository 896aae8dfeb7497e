import { isFhirMcpError } from '../../errors.ts'
import { type CompartmentType, compartmentRule, valuesAt } from '../../fhir/compartment.ts'
import type { Asking } from '../asking.ts'
import { rejected, totalOf } from '../check.ts'
import type { Condition } from '../compartment/conditions.ts'
import { type Holding, heldIn } from '../compartment/hold.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { foundInVain } from './open-periods.ts'

/**
 * The number that the exchange gives, where a control proved each filter on it: a patient and values that cannot exist have
 * to give 0, or, for dates, nothing but periods that are open on that side. The controls name nobody else.
 */
export async function provenTotal(
  asking: Asking,
  holding: Holding,
  conditions: readonly Condition[],
  total: number | undefined,
): Promise<number | undefined> {
  const { type, patient } = holding
  if (total === undefined || total === 0) return undefined
  const within: SearchPairs = [['patient', `Patient/${patient}`]]
  const count = (pairs: SearchPairs) => countOf(asking, type, pairs)
  try {
    await asking.proofs.require(`${type}?patient`, () => count([['patient', 'Patient/no-such-patient-0']]))
    for (const { name, kind, pairs } of conditions) {
      for (const [, value] of pairs) {
        if (kind === 'token') {
          await asking.proofs.require(`${type}?${name}`, () =>
            count([...within, [name, 'urn:control:none|none']]),
          )
          continue
        }
        const [form, impossible] = impossibleDate(value)
        const paths = compartmentRule(type).searches[name]?.paths ?? []
        const control = [name, impossible] as const
        await asking.proofs.require(`${type}?${name} ${form}`, () =>
          foundInVain({
            asking,
            type,
            within,
            control,
            count,
            timesIn: (bundle) =>
              heldIn(bundle, holding).map((resource) => paths.flatMap((path) => valuesAt(resource, path))),
          }),
        )
      }
    }
    return total
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return undefined
    throw thrown
  }
}

function impossibleDate(value: string): readonly [form: string, impossible: string] {
  const prefix = /^[a-z]{2}/.exec(value)?.[0] ?? 'eq'
  const early = prefix === 'lt' || prefix === 'le'
  return [prefix, early ? `${prefix}1000-01-01` : `${prefix}9998-12-31`]
}

async function countOf(
  { client, call, shape }: Asking,
  type: CompartmentType,
  pairs: SearchPairs,
): Promise<number> {
  const counted = [...pairs, ['_summary', 'count'], ['_pretty', 'false']] as const
  const total = totalOf(await client.search(call, type, counted, shape))
  if (total === undefined) throw rejected('Its count has no total.')
  return total
}
