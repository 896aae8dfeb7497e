import { LRUCache } from 'lru-cache'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import { BadAnswer } from './bad-answer.ts'

/** What is known of the search forms of one exchange. */
export interface Proofs {
  /**
   * Makes sure that the exchange honours a search form. `control` asks for the number of matches of an impossible value;
   * the form is proven when that is 0, or when the exchange refuses the value. Kept 5 minutes, one flight per form.
   *
   * It is to be called after the same caller has got a number above 0 with the form in use: that shows that the caller
   * may ask and that there is something to count, so that neither a refusal nor a 0 can come from an empty view. A 0
   * needs no proof, since a filter that is ignored can only make a number larger. An answer that is not FHIR, or not whole,
   * is thrown: it proves nothing. `caller`: an exchange may honour the form for some callers alone; what is found then holds
   * for this one.
   * Throws NOT_SUPPORTED_BY_EXCHANGE, or what `control` threw.
   */
  require(form: string, control: () => Promise<number>, caller?: string): Promise<void>
}

const kept = 300_000

/** Makes the proofs of one exchange; `now` gives milliseconds since the epoch. */
export function createProofs(now: () => number): Proofs {
  const verdicts = new LRUCache<string, { proven: boolean; until: number }>({ max: 10_000 })
  const flights = new Map<string, Promise<boolean>>()

  const prove = async (name: string, control: () => Promise<number>): Promise<boolean> => {
    const flight = verdictOf(control)
    flights.set(name, flight)
    try {
      const proven = await flight
      verdicts.set(name, { proven, until: now() + kept })
      return proven
    } finally {
      if (flights.get(name) === flight) flights.delete(name)
    }
  }

  return {
    async require(form, control, caller) {
      const name = JSON.stringify([form, caller])
      const known = verdicts.get(name)
      const fresh = known !== undefined && known.until > now() ? known.proven : undefined
      // Another caller's flight may end with that caller; then the control is asked for this one.
      const shared = fresh ?? (await flights.get(name)?.catch(() => undefined))
      if (!(shared ?? (await prove(name, control)))) {
        throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
          detail: `The exchange counts the same with an impossible value of "${form}", so its numbers cannot be trusted.`,
        })
      }
    },
  }
}

async function verdictOf(control: () => Promise<number>): Promise<boolean> {
  try {
    return (await control()) === 0
  } catch (error) {
    // An answer that is no good is no refusal of the value.
    if (error instanceof BadAnswer) throw error
    if (isFhirMcpError(error, 'FORBIDDEN') || isFhirMcpError(error, 'EXCHANGE_REJECTED')) return true
    throw error
  }
}
