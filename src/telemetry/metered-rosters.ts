import type { RosterSource, RosterStore } from '../access/rosters.ts'
import type { Meter } from './meter.ts'

/** The same store. Of the rosters that a load asks for, those that it has read are misses, all others are hits. */
export function meteredRosters(store: RosterStore, meter: Meter | undefined): RosterStore {
  if (meter === undefined) return store
  meter.rostersAre(() => store.kept())
  return {
    kept: () => store.kept(),
    requested: (source, studies, fresh) => store.requested(source, studies, fresh),
    async load(source, request) {
      const read = new Set<string>()
      const counting: RosterSource = {
        ...source,
        roster(key, limit, signal) {
          read.add(`${key.kind}/${key.id}`)
          return source.roster(key, limit, signal)
        },
        enrolments(key, patient, signal) {
          read.add(`${key.kind}/${key.id}`)
          return source.enrolments(key, patient, signal)
        },
      }
      try {
        return await store.load(counting, request)
      } finally {
        meter.cache('rosters', request.keys.length - read.size, read.size)
      }
    },
  }
}
