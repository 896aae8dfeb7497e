import { z } from 'zod'
import type { Measure, Round } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import type { IdKind } from '../servers/roster-rows.ts'
import { startChild } from '../servers/spawn.ts'

const reach = { studies: 1000, size: 100 }
const members = reach.studies * reach.size
const mostRounds = 3

/** Bytes of a membership, in a process of its own. */
async function held(ids: IdKind): Promise<Round> {
  const child = await startChild('rosters', { ...reach, ids }, z.null())
  const ours = await child.ask('ours', z.number())
  const reference = await child.ask('reference', z.number())
  await child.stop()
  return { ours: ours / members, reference: reference / members }
}

/** What a kept membership takes, with all that a roster knows of it. */
export const memberships: Measure = {
  name: 'memory-membership',
  title: 'Memory of a kept membership: 100,000 patients in 1,000 studies',
  against: 'the ids of the patients alone, a `Set` of strings for each study',
  target: undefined,
  async run({ rounds }) {
    const made: Round[] = []
    for (let round = 0; round < Math.min(rounds, mostRounds); round += 1) made.push(await held('number'))
    const uuids = await held('uuid')
    const value = median(made.map(({ ours }) => ours))
    return {
      unit: 'bytes',
      rounds: made,
      figures: [
        { name: 'a membership, ids of 7 digits', value, unit: 'bytes', atMost: 64 },
        { name: 'a membership, ids that are UUIDs (2 × 36 letters)', value: uuids.ours, unit: 'bytes' },
        {
          name: 'of those, a `Set` with the ids of the patients alone',
          value: uuids.reference,
          unit: 'bytes',
        },
      ],
      notes: [
        'Heap and buffers after a collection. Ours keeps the id of the patient, that of the ResearchSubject, the participant code and the status.',
      ],
    }
  },
}
