import { LRUCache } from 'lru-cache'
import { createFlights, type Read } from '../flight.ts'
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

interface Keeper<T> {
  get(name: string, read: Read<T>, signal: AbortSignal, fresh?: boolean): Promise<T>
}

/** A bounded cache with one flight per name. */
function createKeeper<T extends object>(
  options: RosterStoreOptions,
  sizeOf: (value: T) => number,
): Keeper<T> {
  const { now, seconds, size } = options
  const kept = new LRUCache<string, Kept<T>>({ maxSize: size, sizeCalculation: (one) => sizeOf(one.value) })
  const flights = createFlights<T>((name, value, at) => kept.set(name, { value, at }), now)
  return {
    async get(name, read, signal, fresh = false) {
      const found = fresh ? undefined : kept.get(name)
      if (found !== undefined && now() - found.at < seconds * 1000) return found.value
      kept.delete(name)
      return flights.join(name, read, signal, fresh)
    },
  }
}
