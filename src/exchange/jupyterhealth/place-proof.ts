import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { exchangeId } from './ids.ts'
import { countRows, readPage } from './rows.ts'

/**
 * Makes sure that a count by patient, study or organization (or several of them) is of that one alone, for this caller: the
 * exchange honours these filters for practitioners, and ignores them for patient users, to whom it answers nothing but their
 * own. So where a grant is on the token's own patient alone, it is enough that the caller's whole view is that patient.
 * The control of a filter has the others beside it, as the count has. Throws NOT_SUPPORTED_BY_EXCHANGE.
 */
export async function provePlaces(asking: Asking, grant: Grant, places: SearchPairs): Promise<void> {
  const { identity } = asking.call.credential
  const own = grant.ownAlone
  if (own !== undefined && (await seesNobodyElse(asking, exchangeId(own)))) return
  const names = places.map(([name]) => name).join(' ')
  await pMap(
    places,
    ([name]) => {
      const control = places.map((place) => (place[0] === name ? ([name, '0'] as const) : place))
      const form = places.length === 1 ? name : `${name} of ${names}`
      return asking.proofs.require(form, () => countRows(asking, control), identity)
    },
    { concurrency: asking.connections },
  )
}

/** Whether the one Patient that the exchange shows to this caller is this one. */
async function seesNobodyElse(asking: Asking, own: string): Promise<boolean> {
  try {
    await asking.proofs.require(
      'own',
      () => othersThan(asking, own),
      `${own} ${asking.call.credential.identity}`,
    )
    return true
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return false
    throw thrown
  }
}

/** How many other Patients the caller sees, as far as it has to be known: 0 is none. */
async function othersThan(asking: Asking, own: string): Promise<number> {
  try {
    const { rows, total } = await readPage(asking, 'Patient', [['_sort', '_lastUpdated']], {
      number: 1,
      size: 2,
    })
    return total === 1 && rows[0]?.id === own ? 0 : Math.max(1, total)
  } catch (thrown) {
    // Who may not look has not seen that there is nobody.
    if (isFhirMcpError(thrown, 'FORBIDDEN') || isFhirMcpError(thrown, 'EXCHANGE_REJECTED')) return 1
    throw thrown
  }
}
