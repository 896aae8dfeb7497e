import { LRUCache } from 'lru-cache'
import { createKeeper } from './keeper.ts'
import type { LoadedRoster } from './known.ts'
import type { RequestedType, RequestedTypes } from './restrictions.ts'
import { type Enrolment, Roster } from './roster.ts'
import { nameOf, RosterView } from './roster-view.ts'
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
  /** Reads the types of data that a study requested; undefined where the exchange refuses it. */
  requested(study: string, signal: AbortSignal): Promise<readonly RequestedType[] | undefined>
}

/** Which rosters to load, and how. */
export interface RosterRequest {
  /** Where it is the same array each time, what is kept of them together is found at once. */
  readonly keys: readonly RosterKey[]
  /**
   * The patient that is to be decided on: rosters beyond the limit are asked for this one, and those that are known not to
   * have it may be left out.
   */
  readonly patient?: string
  /** Past every cache: what is kept of these rosters is dropped first. */
  readonly fresh?: boolean
  /** Rosters beyond the limit are read to their end, and not kept. */
  readonly whole?: boolean
}

/** Keeps rosters for a while: bounded, one flight per key. */
export interface RosterStore {
  /** The rosters, in the order of the keys. */
  load(source: RosterSource, request: RosterRequest): Promise<readonly LoadedRoster[]>
  /** What each of these studies requested, without those that the exchange refuses: kept as long as their rosters. */
  requested(source: RosterSource, studies: readonly string[], fresh?: boolean): Promise<RequestedTypes>
  /** What is in memory now; a patient of two rosters counts twice. */
  kept(): { readonly rosters: number; readonly patients: number }
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

/** Makes a store of rosters. */
export function createRosterStore(options: RosterStoreOptions): RosterStore {
  const { limit, seconds, now } = options
  const rosters = createKeeper<Roster>(options, (roster) => 1 + roster.size)
  const single = createKeeper<readonly Enrolment[]>(options, (rows) => 1 + rows.length)
  const requests = createKeeper<{ readonly types: readonly RequestedType[] | undefined }>(
    options,
    ({ types = [] }) => 1 + types.length,
  )
  const views = new LRUCache<readonly RosterKey[], RosterView>({ maxSize: 16 * options.size })

  /** Tokens come and go, each with keys of its own: a view that nobody asks any more must not stay. */
  function dropUnused(): void {
    for (const keys of views.rkeys()) {
      if (views.peek(keys)?.isCurrent()) return
      views.delete(keys)
    }
  }

  /** Views are bounded to 16 bytes for each enrolment that may be kept, twice of what one index over all of them takes. */
  function viewOf(identity: string, keys: readonly RosterKey[]): RosterView {
    const found = views.get(keys)
    if (found === undefined) dropUnused()
    const view =
      found?.identity === identity ? found : new RosterView({ identity, keys, keeper: rosters, seconds, now })
    if (view.settle()) views.set(keys, view, { size: view.bytes })
    return view
  }

  async function one(source: RosterSource, request: RosterRequest, key: RosterKey): Promise<LoadedRoster> {
    const { patient, fresh, whole } = request
    const name = nameOf(source.identity, key)
    const read = (signal: AbortSignal) => source.roster(key, limit, signal)
    const roster = await rosters.get(name, read, source.signal, fresh)
    if (roster.complete) return { key, roster }
    if (whole) return { key, roster: await source.roster(key, Number.POSITIVE_INFINITY, source.signal) }
    if (patient === undefined) return { key, roster }
    const readRows = (signal: AbortSignal) => source.enrolments(key, patient, signal)
    const rows = await single.get(`${name} ${patient}`, readRows, source.signal, fresh)
    const { loadedAt } = roster
    return { key, roster: new Roster({ rows, complete: false, asked: patient, loadedAt }) }
  }

  return {
    kept() {
      const { entries, size } = rosters.holds()
      return { rosters: entries, patients: size - entries }
    },
    async requested(source, studies, fresh) {
      const read = async (study: string) => {
        const readTypes = async (signal: AbortSignal) => ({ types: await source.requested(study, signal) })
        const name = nameOf(source.identity, { kind: 'study', id: study })
        const { types } = await requests.get(name, readTypes, source.signal, fresh)
        return [study, types] as const
      }
      const all = await Promise.all(studies.map(read))
      return new Map(all.flatMap(([study, types]) => (types === undefined ? [] : [[study, types] as const])))
    },
    async load(source, request) {
      const { keys, patient, fresh } = request
      if (fresh || keys.length < 2) return Promise.all(keys.map((key) => one(source, request, key)))
      const view = viewOf(source.identity, keys)
      const warm = patient === undefined ? view.all() : view.about(patient)
      if (view.cold.length === 0) return warm
      const cold = await Promise.all(view.cold.map((key) => one(source, request, key)))
      const loaded = new Map([...warm, ...cold].map((entry) => [entry.key, entry]))
      return keys.flatMap((key) => loaded.get(key) ?? [])
    },
  }
}
