import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { LoadedRoster } from '../../src/access/known.ts'
import type { RequestedType } from '../../src/access/restrictions.ts'
import { type Roster, rosterOf } from '../../src/access/roster.ts'
import { createRosterStore, type RosterSource } from '../../src/access/rosters.ts'
import type { RosterKey } from '../../src/access/target.ts'
import { rosterFor } from './callers.ts'

const studyA: RosterKey = { kind: 'study', id: 'a' }
const studyB: RosterKey = { kind: 'study', id: 'b' }

/** A source that counts, and whose reads can be held back. */
function sourceOf(
  answers: Record<string, Roster>,
  identity = 'caller',
  requested: Record<string, readonly RequestedType[]> = {},
) {
  const reads: string[] = []
  const aborted: string[] = []
  let gate: Promise<void> | undefined
  let failure: Error | undefined
  const ends: AbortController = new AbortController()
  const source: RosterSource = {
    identity,
    signal: ends.signal,
    async roster(key, limit, signal) {
      reads.push(`${key.kind}/${key.id}${limit === Number.POSITIVE_INFINITY ? ' whole' : ''}`)
      signal.addEventListener('abort', () => aborted.push(key.id))
      await gate
      if (failure !== undefined) throw failure
      const answer = answers[`${key.kind}/${key.id}`] ?? rosterFor()
      return answer.size > limit ? rosterOf([], false, answer.loadedAt) : answer
    },
    async enrolments(key, patient) {
      reads.push(`${key.kind}/${key.id} ${patient}`)
      return answers[`${key.kind}/${key.id}`]?.enrolments(patient) ?? []
    },
    async requested(study) {
      reads.push(`types of ${study}`)
      if (failure !== undefined) throw failure
      return requested[study]
    },
  }
  return {
    source,
    reads,
    aborted,
    leave: () => ends.abort(new Error('left')),
    hold: () => {
      let open: () => void = () => undefined
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
    failWith: (error: Error | undefined) => {
      failure = error
    },
  }
}

function of(rosters: readonly LoadedRoster[], key: RosterKey): Roster | undefined {
  return rosters.find((one) => one.key === key)?.roster
}

function clock() {
  let time = 1_000_000
  return { now: () => time, advance: (milliseconds: number) => (time += milliseconds) }
}

/** What nothing holds is gone afterwards; a WeakRef that was looked at holds until the task ends. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

const answers = { 'study/a': rosterFor('pat-1', 'pat-2', 'pat-3'), 'study/b': rosterFor('pat-9') }
const settings = { seconds: 60, limit: 5000, size: 1000 }

describe('the roster store', () => {
  it('keeps a roster for as long as configured, and no longer', async () => {
    const { now, advance } = clock()
    const store = createRosterStore({ ...settings, now })
    const one = sourceOf(answers)
    const rosters = await store.load(one.source, { keys: [studyA, studyB] })
    expect(of(rosters, studyA)?.membership('pat-1')).toBe('enrolled')
    expect(of(rosters, { kind: 'organization', id: 'a' })).toBeUndefined()
    advance(59_999)
    await store.load(one.source, { keys: [studyA] })
    expect(one.reads).toEqual(['study/a', 'study/b'])
    advance(1)
    await store.load(one.source, { keys: [studyA] })
    expect(one.reads).toEqual(['study/a', 'study/b', 'study/a'])
  })

  it('says how much of them is in memory', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    expect(store.kept()).toEqual({ rosters: 0, patients: 0 })
    await store.load(sourceOf(answers).source, { keys: [studyA, studyB] })
    expect(store.kept()).toEqual({ rosters: 2, patients: 4 })
  })

  it('is shared between callers of one identity only', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers, 'one')
    const same = sourceOf(answers, 'one')
    const other = sourceOf(answers, 'other')
    for (const { source } of [one, same, other]) await store.load(source, { keys: [studyA] })
    expect([one.reads.length, same.reads.length, other.reads.length]).toEqual([1, 0, 1])
  })

  it('reads past the cache when asked to', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    await store.load(one.source, { keys: [studyA] })
    await store.load(one.source, { keys: [studyA], fresh: true })
    expect(one.reads).toEqual(['study/a', 'study/a'])
  })

  it('is bounded in memory', async () => {
    const store = createRosterStore({ ...settings, size: 5, now: clock().now })
    const one = sourceOf(answers)
    await store.load(one.source, { keys: [studyA] })
    await store.load(one.source, { keys: [studyB] })
    await store.load(one.source, { keys: [studyA] })
    expect(one.reads).toEqual(['study/a', 'study/b', 'study/a'])
  })

  it('holds on to nothing for the sake of a caller who asks no more', async () => {
    const { now, advance } = clock()
    const store = createRosterStore({ ...settings, now })
    const callers: WeakRef<readonly RosterKey[]>[] = []
    const load = async () => {
      const keys = [studyA, studyB]
      callers.push(new WeakRef(keys))
      for (const _ of [1, 2]) await store.load(sourceOf(answers).source, { keys })
    }
    const alive = async () => {
      await collectGarbage()
      return callers.map((keys) => keys.deref() !== undefined)
    }
    await load()
    advance(59_999)
    await load()
    expect(await alive(), 'while its rosters may still be good (control)').toEqual([true, true])
    advance(1)
    await load()
    expect(await alive()).toEqual([false, true, true])
  })

  it('gives what was kept when it was asked, although it is dropped while the rest is read', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    await store.load(one.source, { keys: [studyA] })
    const open = one.hold()
    const both = store.load(one.source, { keys: [studyA, studyB], patient: 'pat-1' })
    const other = sourceOf({ 'study/a': rosterFor('pat-2') })
    await store.load(other.source, { keys: [studyA], fresh: true })
    open()
    expect(of(await both, studyA)?.membership('pat-1')).toBe('enrolled')
    const keys = [studyA, studyB]
    expect(of(await store.load(one.source, { keys }), studyA)?.membership('pat-1')).toBe('stranger')
    expect(one.reads).toEqual(['study/a', 'study/b'])
  })

  it('reads once for callers that come at the same time', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    const two = sourceOf(answers)
    const open = one.hold()
    const first = store.load(one.source, { keys: [studyA] })
    const second = store.load(two.source, { keys: [studyA] })
    open()
    await Promise.all([first, second])
    expect([...one.reads, ...two.reads]).toEqual(['study/a'])
  })

  it('goes on for the others when the caller who began leaves', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    const two = sourceOf(answers)
    const open = one.hold()
    const first = store.load(one.source, { keys: [studyA] })
    const second = store.load(two.source, { keys: [studyA] })
    one.leave()
    await expect(first).rejects.toThrow('left')
    expect(one.aborted).toEqual([])
    open()
    await expect(second).resolves.toBeDefined()
    expect(two.reads).toEqual([])
  })

  it('ends the read when nobody waits for it any more, and begins anew for the next', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    one.hold()
    const first = store.load(one.source, { keys: [studyA] })
    one.leave()
    await expect(first).rejects.toThrow('left')
    expect(one.aborted).toEqual(['a'])
    await expect(store.load(one.source, { keys: [studyA] })).rejects.toThrow('left')
    const two = sourceOf(answers)
    await store.load(two.source, { keys: [studyA] })
    expect(two.reads).toEqual(['study/a'])
  })

  it('lets nobody fail by the failure of another', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    const two = sourceOf(answers)
    const open = one.hold()
    one.failWith(new Error('expired'))
    const first = store.load(one.source, { keys: [studyA] })
    const second = store.load(two.source, { keys: [studyA] })
    const third = sourceOf(answers)
    const leaving = store.load(third.source, { keys: [studyA] })
    third.leave()
    await expect(leaving).rejects.toThrow('left')
    open()
    await expect(first).rejects.toThrow('expired')
    await expect(second).resolves.toBeDefined()
    expect(two.reads).toEqual(['study/a'])
  })

  it('does not keep a failure', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const one = sourceOf(answers)
    one.failWith(new Error('down'))
    await expect(store.load(one.source, { keys: [studyA] })).rejects.toThrow('down')
    one.failWith(undefined)
    await expect(store.load(one.source, { keys: [studyA] })).resolves.toBeDefined()
  })

  it('does not keep what a fresh read has overtaken', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const slow = sourceOf({ 'study/a': rosterFor('old') })
    const open = slow.hold()
    const first = store.load(slow.source, { keys: [studyA] })
    const quick = sourceOf({ 'study/a': rosterFor('new') })
    await store.load(quick.source, { keys: [studyA], fresh: true })
    open()
    await first
    const rosters = await store.load(quick.source, { keys: [studyA] })
    expect(of(rosters, studyA)?.membership('new')).toBe('enrolled')
    expect(quick.reads).toEqual(['study/a'])
  })

  it('asks a roster beyond the limit for the one patient, and keeps that', async () => {
    const { now, advance } = clock()
    const store = createRosterStore({ ...settings, limit: 2, now })
    const one = sourceOf(answers)
    const load = async (patient: string) => {
      const rosters = await store.load(one.source, { keys: [studyA], patient })
      return of(rosters, studyA)?.membership(patient)
    }
    expect(await load('pat-3')).toBe('enrolled')
    expect(await load('pat-3')).toBe('enrolled')
    expect(await load('pat-7')).toBe('stranger')
    expect(one.reads).toEqual(['study/a', 'study/a pat-3', 'study/a pat-7'])
    advance(60_000)
    await load('pat-3')
    expect(one.reads.slice(3)).toEqual(['study/a', 'study/a pat-3'])
  })

  it('reads a roster beyond the limit to its end when the whole is asked for, and keeps none of it', async () => {
    const store = createRosterStore({ ...settings, limit: 2, now: clock().now })
    const one = sourceOf(answers)
    const rosters = await store.load(one.source, { keys: [studyA], whole: true })
    expect(of(rosters, studyA)?.size).toBe(3)
    const undecided = await store.load(one.source, { keys: [studyA] })
    expect(of(undecided, studyA)).toMatchObject({ complete: false })
    expect(one.reads).toEqual(['study/a', 'study/a whole'])
  })
})

describe('what studies requested', () => {
  const types = [{ system: 'urn:types', code: 'steps' }]
  const settings = { seconds: 60, limit: 10, size: 100 }

  it('is read once for each study and caller, kept as long as rosters, and read anew when it has to be fresh', async () => {
    const { now, advance } = clock()
    const store = createRosterStore({ ...settings, now })
    const { source, reads } = sourceOf({}, 'caller', { a: types, b: [] })
    const all = new Map([
      ['a', types],
      ['b', []],
    ])
    expect(await store.requested(source, ['a', 'b'])).toEqual(all)
    expect(await store.requested(source, ['b', 'a'])).toEqual(all)
    expect(reads).toEqual(['types of a', 'types of b'])
    await store.requested(sourceOf({}, 'other', { a: [] }).source, ['a'])
    expect(await store.requested(source, ['a'])).toEqual(new Map([['a', types]]))
    await store.requested(source, ['a'], true)
    advance(60_000)
    await store.requested(source, ['a'])
    expect(reads).toEqual(['types of a', 'types of b', 'types of a', 'types of a'])
  })

  it('is not there of a study that the exchange refuses, and fails where the exchange fails', async () => {
    const store = createRosterStore({ ...settings, now: clock().now })
    const { source, failWith } = sourceOf({}, 'caller', { a: types })
    expect([...(await store.requested(source, ['a', 'gone'])).keys()]).toEqual(['a'])
    failWith(new Error('down'))
    await expect(store.requested(source, ['a'], true)).rejects.toThrow('down')
  })
})
