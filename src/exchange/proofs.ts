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
  /** What is known of a form now; undefined where nothing is. */
  known(form: string): boolean | undefined
  /** Keeps what an answer has shown of a form. */
  note(form: string, proven: boolean): void
  /** Whether something holds of all that a caller sees; what was found is kept a minute, one flight each. */
  holds(fact: string, caller: string, find: () => Promise<boolean>): Promise<boolean>
}

/** How long it is kept that a form is honoured, and what a caller sees, in milliseconds. */
const kept = { form: 300_000, fact: 60_000 }

/** Makes the proofs of one exchange; `now` gives milliseconds since the epoch. */
export function createProofs(now: () => number): Proofs {
  const verdicts = new LRUCache<string, { proven: boolean; until: number }>({ max: 10_000 })
  const flights = new Map<string, Promise<boolean>>()

  const find = async (name: string, ask: () => Promise<boolean>, lasting: number): Promise<boolean> => {
    const flight = ask()
    flights.set(name, flight)
    try {
      const proven = await flight
      verdicts.set(name, { proven, until: now() + lasting })
      return proven
    } finally {
      if (flights.get(name) === flight) flights.delete(name)
    }
  }

  const verdictNow = (name: string): boolean | undefined => {
    const verdict = verdicts.get(name)
    return verdict !== undefined && verdict.until > now() ? verdict.proven : undefined
  }

  const known = async (name: string, ask: () => Promise<boolean>, lasting: number): Promise<boolean> => {
    const verdict = verdictNow(name)
    if (verdict !== undefined) return verdict
    const flight = flights.get(name)
    if (flight === undefined) return find(name, ask, lasting)
    // Another caller's flight may end with that caller; then this one asks.
    return (await flight.catch(() => undefined)) ?? find(name, ask, lasting)
  }

  return {
    known: (form) => verdictNow(nameOf(form)),
    note(form, proven) {
      verdicts.set(nameOf(form), { proven, until: now() + kept.form })
    },
    async require(form, control, caller) {
      if (!(await known(nameOf(form, caller), () => verdictOf(control), kept.form))) {
        throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
          detail: `The exchange counts the same with an impossible value of "${form}", so its numbers cannot be trusted.`,
        })
      }
    },
    holds: (fact, caller, ask) => known(JSON.stringify(['fact', fact, caller]), ask, kept.fact),
  }
}

function nameOf(form: string, caller?: string): string {
  return JSON.stringify([form, caller])
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
