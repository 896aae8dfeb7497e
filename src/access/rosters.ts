import { LRUCache } from 'lru-cache'
import type { Rosters } from './decide.ts'
import type { Enrolment, Roster } from './roster.ts'
import type { RosterKey } from './target.ts'

/** How the rosters of one caller are read: bound to its credential, and decided before. */
export interface RosterSource {
  /** Whose view of the exchange this is; rosters are shared between callers of one identity only. */
  readonly identity: string
  /** The caller's own end; it never ends a read that others wait for. */
  readonly signal: AbortSignal
  /** Reads a roster, up to `limit` patients. */
  roster(key: RosterKey, limit: number, signal: AbortSignal): Promise<Roster>
  /** Reads the enrolments of one patient in a roster that is too large to be kept. */
  enrolments(key: RosterKey, patient: string, signal: AbortSignal): Promise<readonly Enrolment[]>
}

/** Which rosters to load, and how. */
export interface RosterRequest {
  readonly keys: readonly RosterKey[]
  /** The patient that is to be decided on: rosters beyond the limit are asked for this one. */
  readonly patient?: string
  /** Past every cache: what is kept of these rosters is dropped first. */
  readonly fresh?: boolean
  /** Rosters beyond the limit are read to their end, and not kept. */
  readonly whole?: boolean
}

/** Keeps rosters for a while: bounded, one flight per key. */
export interface RosterStore {
  load(source: RosterSource, request: RosterRequest): Promise<Rosters>
}

export interface RosterStoreOptions {
  /** How long a roster is kept, in seconds. */
  readonly seconds: number
  /** Patients beyond which a roster is not kept. */
  readonly limit: number
  /** Enrolments that are kept over all rosters. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Kept<T> {
  readonly value: T
  readonly at: number
}

/** Makes a store of rosters. */
export function createRosterStore(options: RosterStoreOptions): RosterStore {
  const rosters = createKeeper<Roster>(options, (roster) => 1 + roster.enrolments.size)
  const single = createKeeper<readonly Enrolment[]>(options, (rows) => 1 + rows.length)

  async function one(source: RosterSource, request: RosterRequest, key: RosterKey): Promise<Roster> {
    const name = `${source.identity} ${key.kind}/${key.id}`
    const read = (signal: AbortSignal) => source.roster(key, options.limit, signal)
    const roster = await rosters.get(name, read, source.signal, request.fresh)
    if (roster.complete) return roster
    if (request.whole) return source.roster(key, Number.POSITIVE_INFINITY, source.signal)
    const { patient } = request
    if (patient === undefined) return roster
    const readRows = (signal: AbortSignal) => source.enrolments(key, patient, signal)
    const rows = await single.get(`${name} ${patient}`, readRows, source.signal, request.fresh)
    return { ...roster, enrolments: new Map([[patient, rows]]) }
  }

  return {
    async load(source, request) {
      const loaded = await Promise.all(
        request.keys.map(async (key) => [nameOf(key), await one(source, request, key)] as const),
      )
      const byKey = new Map(loaded)
      return (key) => byKey.get(nameOf(key))
    },
  }
}

function nameOf(key: RosterKey): string {
  return `${key.kind}/${key.id}`
}

interface Flight<T> {
  readonly result: Promise<T>
  /** Ends the read, so that nobody joins it any more. */
  readonly abandon: () => void
  waiting: number
}

interface Keeper<T> {
  get(
    name: string,
    read: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    fresh?: boolean,
  ): Promise<T>
}

/** A cache with one flight per name. A flight ends early only when nobody waits for it any more. */
function createKeeper<T extends object>(
  options: RosterStoreOptions,
  sizeOf: (value: T) => number,
): Keeper<T> {
  const kept = new LRUCache<string, Kept<T>>({
    maxSize: options.size,
    sizeCalculation: (one) => sizeOf(one.value),
  })
  const flights = new Map<string, Flight<T>>()

  function start(name: string, read: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const end = new AbortController()
    const at = options.now()
    const result = read(end.signal).then((value) => {
      if (flights.get(name) === flight) kept.set(name, { value, at })
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

  async function get(
    name: string,
    read: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    fresh = false,
  ): Promise<T> {
    signal.throwIfAborted()
    const found = fresh ? undefined : kept.get(name)
    if (found !== undefined && options.now() - found.at < options.seconds * 1000) return found.value
    kept.delete(name)
    const shared = fresh ? undefined : flights.get(name)
    if (shared === undefined) return join(start(name, read), signal)
    try {
      return await join(shared, signal)
    } catch (thrown) {
      // The failure may be that of the other caller's credential alone.
      if (signal.aborted) throw thrown
      return join(flights.get(name) ?? start(name, read), signal)
    }
  }

  return { get }
}

async function join<T>(flight: Flight<T>, signal: AbortSignal): Promise<T> {
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
