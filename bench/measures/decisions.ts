import { setMaxListeners } from 'node:events'
import { Pool } from 'undici'
import { isDenial, openDecision } from '../../src/access/decide.ts'
import { type Caller, type Policy, type Rule, studyNeed } from '../../src/access/narrowing.ts'
import { parsePermissions } from '../../src/access/permissions.ts'
import { defaultRoles } from '../../src/access/roles.ts'
import { createRosterStore, type RosterSource } from '../../src/access/rosters.ts'
import { parseScopes } from '../../src/access/scopes.ts'
import type { Target as CallTarget } from '../../src/access/target.ts'
import { interleave, timed } from '../frame/interleave.ts'
import type { Figure, Measure, Outcome, Target } from '../frame/measure.ts'
import { median } from '../frame/statistics.ts'
import { manyKeys, memberOf, memberRoster, storeSize } from '../servers/roster-rows.ts'
import type { Stage } from '../servers/stage.ts'
import { exchangeLatency } from './counting.ts'

const policy: Policy = {
  roles: defaultRoles,
  traits: { categories: true, groups: false, requestedTypes: false },
}
const studyRule: Rule = { name: 'get_study_metadata', needs: [studyNeed], patients: false }
const patientRule: Rule = {
  name: 'get_patient_demographics',
  needs: [{ types: ['Patient'] }],
  patients: true,
}
const asks = 5
const sampleMicroseconds = 5000
const mostDecisions = 5000
const least: Target = { of: 'reference ÷ ours', bound: 'at least', value: 10_000 }

/** Studies of the caller, and patients in each. */
const reach = { studies: 1000, patients: 100 }

function callerOf(studies: readonly string[]): Caller {
  const permissions = parsePermissions({ studies, organizations: [] })
  return { permissions, scopes: parseScopes(undefined), patient: undefined }
}

/** What a decision takes, in microseconds: `count` of them in a row. */
async function each(count: number, decision: (index: number) => unknown): Promise<number> {
  const took = await timed(async () => {
    for (let index = 0; index < count; index += 1) {
      const made = decision(index)
      if (made instanceof Promise) await made
    }
  })
  return (took * 1000) / count
}

/** Warms up, and finds how many decisions a sample of about 5 ms holds. */
async function countFor(decision: (index: number) => unknown): Promise<number> {
  let count = 10
  for (let took = 0; took < sampleMicroseconds && count < mostDecisions; count *= 2) {
    took = (await each(count, decision)) * count
  }
  return count
}

/** Beside asking the exchange, which takes 35 ms. */
async function besideAsking(
  stage: Stage,
  decision: (index: number) => unknown,
  atMost: number,
  more: readonly Figure[] = [],
): Promise<Outcome> {
  const { exchange, subjects } = await stage.site('hapi')
  const { origin, pathname } = new URL(exchange.url)
  const pool = new Pool(origin, { connections: 1 })
  const ask = async () => {
    const answered = await pool.request({ path: `${pathname}/Patient/${subjects.patient}`, method: 'GET' })
    await answered.body.dump()
  }
  await ask()
  const count = await countFor(decision)
  await exchange.latency(exchangeLatency)
  const rounds = await interleave(
    stage.rounds,
    { block: 8, sample: () => each(count, decision) },
    { block: asks, sample: async () => (await timed(ask)) * 1000 },
  )
  await exchange.latency(0)
  await pool.close()
  const took = median(rounds.map(({ ours }) => ours))
  return {
    unit: 'µs',
    rounds,
    figures: [{ name: 'a decision', value: took, unit: 'µs', atMost }, ...more],
  }
}

function decidedStudy(caller: Caller, study: string) {
  const target: CallTarget = { kind: 'study', study }
  const open = openDecision(studyRule, caller, policy)
  open.rostersFor(target)
  return open.decide(target, [])
}

/** A study, by turns one that is permitted and one that is not. */
export const studyDecision: Measure = {
  name: 'decision-study',
  title: 'Decision on a study from a cached principal, in process',
  against: `asking the exchange, which takes ${exchangeLatency} ms`,
  target: least,
  async run(stage) {
    const few = callerOf(manyKeys(10).map(({ id }) => id))
    const many = callerOf(manyKeys(reach.studies).map(({ id }) => id))
    if (isDenial(decidedStudy(few, 'study-9')) || !isDenial(decidedStudy(few, 'study-10'))) {
      throw new Error('wrongly decided')
    }
    const ofMany: number[] = []
    for (let turn = 0; turn < 20; turn += 1) {
      ofMany.push(
        await each(500, (index) => decidedStudy(many, index % 2 === 0 ? 'study-999' : 'study-1000')),
      )
    }
    return besideAsking(stage, (index) => decidedStudy(few, index % 2 === 0 ? 'study-9' : 'study-10'), 2, [
      { name: 'the same for a caller of 1,000 studies', value: median(ofMany), unit: 'µs', atMost: 2 },
    ])
  },
}

/** A patient, by turns one of the rosters and a stranger; rosters from the store, as a call loads them. */
export const patientDecision: Measure = {
  name: 'decision-patient',
  title: 'Decision on a patient, warm rosters of 100,000 patients in 1,000 studies, in process',
  against: `asking the exchange, which takes ${exchangeLatency} ms`,
  target: { ...least, value: 7000 },
  async run(stage) {
    const keys = manyKeys(reach.studies)
    const caller = callerOf(keys.map(({ id }) => id))
    const store = createRosterStore({ ...storeSize, now: () => Date.now() })
    const { signal } = new AbortController()
    setMaxListeners(0, signal)
    const source: RosterSource = {
      identity: 'bench',
      signal,
      roster: async (key) => memberRoster(key, reach.patients, 'number'),
      enrolments: async () => [],
      requested: async () => [],
    }
    const decided = async (patient: string) => {
      const target: CallTarget = { kind: 'patient', patient }
      const open = openDecision(patientRule, caller, policy)
      const needed = open.rostersFor(target)
      const rosters = await store.load(source, { keys: needed, whole: false, fresh: false, patient })
      return open.decide(target, rosters)
    }
    const member = memberOf({ kind: 'study', id: 'study-777' }, 42, 'number')
    if (isDenial(await decided(member)) || !isDenial(await decided('nobody')))
      throw new Error('wrongly decided')
    return besideAsking(stage, (index) => decided(index % 2 === 0 ? member : 'nobody'), 5)
  },
}
