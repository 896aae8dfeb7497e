import { setMaxListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import { createRosterStore } from '../../src/access/rosters.ts'
import type { RosterKey } from '../../src/access/target.ts'
import { defineRole } from './role.ts'
import { type IdKind, manyKeys, memberIds, memberRoster, storeSize } from './roster-rows.ts'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** What a process of its own holds after it has read many rosters, in bytes. */
export const rostersRole = defineRole(
  z.object({ studies: z.number(), size: z.number(), ids: z.enum(['number', 'uuid']) }),
  async ({ studies, size, ids }) => {
    const kept: unknown[] = []
    const keys = manyKeys(studies)
    const grownBy = async (build: () => unknown) => {
      const before = held()
      kept.push(await build())
      return held() - before
    }
    return {
      facts: null,
      commands: {
        /** Rosters in the store, read by it as the exchange gives them. */
        ours: () => grownBy(() => storeOf(keys, size, ids)),
        /** The ids of the patients alone, each study a Set of strings. */
        reference: () =>
          grownBy(() => new Map(keys.map((key) => [key.id, new Set(memberIds(key, size, ids))]))),
      },
    }
  },
)

async function storeOf(keys: readonly RosterKey[], size: number, ids: IdKind): Promise<unknown> {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  const store = createRosterStore({ ...storeSize, now: () => 0 })
  const source = {
    identity: 'bench',
    signal,
    roster: async (key: RosterKey) => memberRoster(key, size, ids),
    enrolments: async () => [],
    requested: async () => [],
  }
  await store.load(source, { keys })
  return store
}

function held(): number {
  if (typeof collect === 'function') for (let turn = 0; turn < 4; turn += 1) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
