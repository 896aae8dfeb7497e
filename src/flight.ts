import { setMaxListeners } from 'node:events'

/** Runs reads that several callers may wait for, one at a time for each name. */
export interface Flights<T> {
  /**
   * Waits for the read of that name, or begins one. A read ends early only when nobody waits for it any more. Where a read
   * that another caller began fails, this caller's own is begun: it may have failed for the other's credential alone.
   * `fresh` begins a new read and leaves the older one to those who wait for it. Rejects with the caller's abort reason.
   */
  join(name: string, read: Read<T>, signal: AbortSignal, fresh?: boolean): Promise<T>
}

/** A read that ends with its signal. */
export type Read<T> = (signal: AbortSignal) => Promise<T>

interface Flight<T> {
  readonly result: Promise<T>
  /** Ends the read, so that nobody joins it any more. */
  readonly abandon: () => void
  waiting: number
}

/** Makes a set of flights. `landed` gets each result that no newer read of its name has overtaken. */
export function createFlights<T>(
  landed: (name: string, value: T, began: number) => void,
  now: () => number,
): Flights<T> {
  const flights = new Map<string, Flight<T>>()

  function begin(name: string, read: Read<T>): Flight<T> {
    const end = new AbortController()
    setMaxListeners(0, end.signal)
    const began = now()
    const result = read(end.signal).then((value) => {
      if (flights.get(name) === flight) landed(name, value, began)
      return value
    })
    const done = () => {
      if (flights.get(name) === flight) flights.delete(name)
    }
    const abandon = () => {
      done()
      end.abort()
    }
    const flight: Flight<T> = { result, abandon, waiting: 0 }
    flights.set(name, flight)
    result.then(done, done)
    return flight
  }

  return {
    async join(name, read, signal, fresh = false) {
      signal.throwIfAborted()
      const shared = fresh ? undefined : flights.get(name)
      if (shared === undefined) return wait(begin(name, read), signal)
      try {
        return await wait(shared, signal)
      } catch (thrown) {
        if (signal.aborted) throw thrown
        return wait(flights.get(name) ?? begin(name, read), signal)
      }
    },
  }
}

async function wait<T>(flight: Flight<T>, signal: AbortSignal): Promise<T> {
  flight.waiting += 1
  const done = new AbortController()
  const gone = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal })
  })
  try {
    return await Promise.race([flight.result, gone])
  } finally {
    done.abort()
    flight.waiting -= 1
    if (flight.waiting === 0) flight.abandon()
  }
}
