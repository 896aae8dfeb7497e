import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDenial } from '../../src/access/decide.ts'
import type { Caller } from '../../src/access/narrowing.ts'
import { type Enrolment, rosterOf } from '../../src/access/roster.ts'
import { createRosterStore, type RosterSource } from '../../src/access/rosters.ts'
import type { RosterKey, Target } from '../../src/access/target.ts'
import { callerOf, decide, observationRule, policy, rostersFor } from './callers.ts'

const seconds = 60
const limit = 5
const names = ['study/a', 'study/b', 'study/c', 'study/d', 'organization/a', 'organization/b']
const ids = Array.from({ length: 7 }, (_, n) => `pat-${n}`)

/** Who is in a roster: patients, and whether each row counts. */
type Rows = readonly (readonly [string, boolean])[]

const rows: fc.Arbitrary<Rows> = fc.array(fc.tuple(fc.constantFrom(...ids), fc.boolean()), {
  maxLength: 9,
  size: 'max',
})
const identity = fc.constantFrom('one' as const, 'one' as const, 'two' as const)
const name = fc.constantFrom(...names)
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('change' as const), identity, name, rows }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), down: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 20, 59, 60) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      identity,
      caller: fc.nat(3),
      target: fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .constantFrom(...ids, 'nobody')
            .map((patient): Target => ({ kind: 'patient', patient })),
        },
        { weight: 1, arbitrary: fc.constant<Target>({ kind: 'reach' }) },
        {
          weight: 1,
          arbitrary: fc.constantFrom('a', 'b').map((study): Target => ({ kind: 'study', study })),
        },
      ),
      fresh: fc.nat(7).map((n) => n === 0),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

const views = ['one', 'two'].flatMap((view) => names.map((key) => `${view} ${key}`))
const permitted = fc.uniqueArray(name, { maxLength: names.length, size: 'max' })
const run = fc.record({
  start: fc.array(rows, { minLength: views.length, maxLength: views.length }),
  callers: fc.array(permitted, { minLength: 4, maxLength: 4 }),
  steps: fc.array(step, { maxLength: 60, size: 'max' }),
})

/** The exchange, as each identity sees it, at a time that is set. */
function exchange(start: readonly Rows[]) {
  const state = new Map(views.map((view, n) => [view, start[n] ?? []]))
  const clock = { now: 1_000_000, down: false }
  const reads: string[] = []
  const rowsOf = (view: string, key: string) => state.get(`${view} ${key}`) ?? []
  const enrolmentsOf = (view: string, key: string): Enrolment[] =>
    rowsOf(view, key).map(([patient, enrolled]) => ({
      ...{ patient, enrolled, subject: undefined, codes: [], start: undefined, end: undefined },
      status: enrolled ? 'on-study' : 'withdrawn',
    }))
  const sourceOf = (view: string): RosterSource => ({
    identity: view,
    signal: new AbortController().signal,
    async roster(key, most) {
      const all = enrolmentsOf(view, nameOf(key))
      reads.push(`${view} ${nameOf(key)}${most > limit ? ' whole' : ''}`)
      if (clock.down) throw new Error('down')
      const fits = new Set(all.map(({ patient }) => patient)).size <= most
      return rosterOf(fits ? all : [], fits, clock.now)
    },
    async enrolments(key, patient) {
      reads.push(`${view} ${nameOf(key)} ${patient}`)
      if (clock.down) throw new Error('down')
      return enrolmentsOf(view, nameOf(key)).filter((row) => row.patient === patient)
    },
    requested: async () => [],
  })
  return { state, clock, reads, rowsOf, sourceOf }
}

/** The same cache, written as plainly as can be: a Map of what was read and when. Undefined: it could not be read. */
function plainCache(world: ReturnType<typeof exchange>) {
  const kept = new Map<string, { readonly at: number; readonly rows: Rows }>()
  const reads: string[] = []
  const get = (of: string, fresh: boolean, read: () => Rows): Rows | undefined => {
    const found = kept.get(of)
    if (!fresh && found !== undefined && world.clock.now - found.at < seconds * 1000) return found.rows
    reads.push(of)
    kept.delete(of)
    if (world.clock.down) return undefined
    const made = { at: world.clock.now, rows: read() }
    kept.set(of, made)
    return made.rows
  }
  const load = (view: string, key: string, target: Target, fresh: boolean): Rows | undefined => {
    const of = `${view} ${key}`
    const current = () => world.rowsOf(view, key)
    const read = get(of, fresh, current)
    if (read === undefined || new Set(read.map(([patient]) => patient)).size <= limit) return read
    if (target.kind === 'patient') {
      const { patient } = target
      return get(`${of} ${patient}`, fresh, () => current().filter(([one]) => one === patient))
    }
    reads.push(`${of} whole`)
    return world.clock.down ? undefined : current()
  }
  return { load, reads }
}

function nameOf(key: RosterKey): string {
  return `${key.kind}/${key.id}`
}

function callerFor(permitted: readonly string[]): Caller {
  const of = (kind: string) =>
    permitted.flatMap((one) => (one.startsWith(kind) ? [one.slice(kind.length + 1)] : []))
  return callerOf({ studies: of('study'), organizations: of('organization') })
}

/** What was decided, as names of the ways and of patients. */
function decided(decision: ReturnType<typeof decide>) {
  if (isDenial(decision)) return decision.denied
  const { studies, organizations, patients } = decision.terms
  return {
    ways: [
      ...[...studies].map((id) => `study/${id}`),
      ...[...organizations].map((id) => `organization/${id}`),
    ].sort(),
    members: patients && [...patients.members].sort(),
    known: patients && [...patients.known].sort(),
  }
}

/** What has to be decided, from rows by name. */
function expected(
  target: Target,
  permitted: readonly string[],
  loaded: ReadonlyMap<string, Rows | undefined>,
) {
  if (permitted.length === 0 && target.kind === 'reach') return { ways: [], members: [], known: [] }
  if (target.kind === 'patient') {
    const ways = permitted.filter((one) =>
      loaded.get(one)?.some(([patient, enrolled]) => enrolled && patient === target.patient),
    )
    return ways.length === 0 ? 'FORBIDDEN' : { ways: ways.sort(), members: undefined, known: undefined }
  }
  const ways = target.kind === 'study' ? [`study/${target.study}`] : permitted
  if (!ways.every((one) => permitted.includes(one))) return 'FORBIDDEN'
  const all = ways.flatMap((one) => loaded.get(one) ?? [])
  const members = new Set(all.filter(([, enrolled]) => enrolled).map(([patient]) => patient))
  const known = new Set(all.map(([patient]) => patient).filter((patient) => !members.has(patient)))
  return { ways: [...ways].sort(), members: [...members].sort(), known: [...known].sort() }
}

async function ask(
  store: ReturnType<typeof createRosterStore>,
  source: RosterSource,
  { caller, target, fresh }: { caller: Caller; target: Target; fresh: boolean },
) {
  const keys = rostersFor(observationRule, caller, target, policy)
  const request = { keys, fresh, whole: target.kind !== 'patient' }
  const rosters = await store
    .load(source, target.kind === 'patient' ? { ...request, patient: target.patient } : request)
    .catch(() => undefined)
  if (rosters === undefined) {
    // The other reads of a load that failed go on until they end.
    await new Promise((resolve) => setImmediate(resolve))
    return { keys, decision: 'down' }
  }
  expect(new Set(rosters.map(({ key }) => key)).size).toBe(rosters.length)
  return { keys, decision: decided(decide(observationRule, caller, target, rosters, policy)) }
}

describe('decisions by kept rosters, held against a Map of what was read and when', () => {
  it('are the same, with the same requests, whatever changes, expires, fails, is read anew or is asked by whom', async () => {
    await fc.assert(
      fc.asyncProperty(run, async ({ start, callers, steps }) => {
        const world = exchange(start)
        const model = plainCache(world)
        const store = createRosterStore({ seconds, limit, size: 10_000, now: () => world.clock.now })
        const asking = callers.map((permitted) => ({ permitted, caller: callerFor(permitted) }))
        for (const one of steps) {
          if (one.do !== 'ask') {
            move(world, one)
            continue
          }
          const { permitted, caller } = asking[one.caller] as (typeof asking)[number]
          const from = { theirs: model.reads.length, ours: world.reads.length }
          const { keys, decision } = await ask(store, world.sourceOf(one.identity), { ...one, caller })
          const loaded = new Map(
            keys.map((key) => [nameOf(key), model.load(one.identity, nameOf(key), one.target, one.fresh)]),
          )
          const failed = [...loaded.values()].includes(undefined)
          expect(decision).toEqual(failed ? 'down' : expected(one.target, [...permitted], loaded))
          expect(world.reads.slice(from.ours).sort()).toEqual(model.reads.slice(from.theirs).sort())
        }
      }),
      { numRuns: 300 },
    )
  })

  it('never rest on anything older than that, where little is kept and much is dropped', async () => {
    await fc.assert(
      fc.asyncProperty(run, fc.integer({ min: 1, max: 20 }), async ({ start, callers, steps }, size) => {
        const world = exchange(start)
        const history = new Map(views.map((view) => [view, [{ from: 0, rows: world.state.get(view) ?? [] }]]))
        const store = createRosterStore({ seconds, limit, size, now: () => world.clock.now })
        const asking = callers.map((permitted) => ({ permitted, caller: callerFor(permitted) }))
        /** Whether the patient was enrolled, in every state of a roster that may still be kept. */
        const enrolledIn = (view: string, patient: string): boolean[] => {
          const states = history.get(view) ?? []
          return states.flatMap(({ rows }, n) => {
            const end = states[n + 1]?.from ?? Number.POSITIVE_INFINITY
            const mayBeKept = world.clock.now - end < seconds * 1000
            return mayBeKept ? [rows.some(([id, counts]) => counts && id === patient)] : []
          })
        }
        for (const one of steps) {
          if (one.do !== 'ask') {
            move(world, one)
            if (one.do === 'change') {
              history.get(`${one.identity} ${one.name}`)?.push({ from: world.clock.now, rows: one.rows })
            }
            continue
          }
          if (one.target.kind !== 'patient') continue
          const { patient } = one.target
          const { permitted, caller } = asking[one.caller] as (typeof asking)[number]
          const { decision } = await ask(store, world.sourceOf(one.identity), { ...one, caller })
          if (decision === 'down') continue
          const ways = typeof decision === 'string' ? [] : decision.ways
          for (const way of names) {
            const enrolled = enrolledIn(`${one.identity} ${way}`, patient)
            const may = permitted.includes(way) && enrolled.includes(true)
            const must = permitted.includes(way) && !enrolled.includes(false)
            expect([may, must]).toContain(ways.includes(way))
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

function move(world: ReturnType<typeof exchange>, step: Exclude<Step, { do: 'ask' }>): void {
  if (step.do === 'change') world.state.set(`${step.identity} ${step.name}`, step.rows)
  if (step.do === 'wait') world.clock.now += step.seconds * 1000
  if (step.do === 'break') world.clock.down = step.down
}
