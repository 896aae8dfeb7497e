import { expect, it, vi } from 'vitest'
import type { Fault } from '../../src/test-kit/fault.ts'
import { patience } from '../patience.ts'
import { type Setting, startSetting } from './setting.ts'

/** Handles of the test runner come and go; 270 calls that leave something behind leave more. */
const ofTheRunner = 5

const never = new Promise<never>(() => undefined)
const faults: readonly (Fault | undefined)[] = [
  { kind: 'reset' },
  { kind: 'cut' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, retryAfter: '60' },
  { kind: 'html' },
  { kind: 'hold', until: never },
  undefined,
]

/** What keeps the process going, by kind. */
function held(): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1
  return kinds
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
}

/** A gateway from its start to its end: calls that fail in every way, some of which their callers give up. */
async function life(setting: Setting): Promise<void> {
  setting.exchange.misbehave(undefined)
  const gateway = await setting.gateway({ timeout: 500 })
  const clients = await Promise.all(
    (['http', 'http-2026', 'sse'] as const).map(async (by) => gateway.connect(by, await setting.token())),
  )
  let nth = 0
  setting.exchange.misbehave(() => faults[nth++ % faults.length])
  const calls = Array.from({ length: 90 }, (_, index) => {
    const given = new AbortController()
    if (index % 7 === 0) queueMicrotask(() => given.abort())
    const client = clients[index % clients.length]
    return client?.call('get_patient_demographics', { patient_id: 'pat-2' }, { signal: given.signal })
  })
  await Promise.allSettled(calls)
  await gateway.close()
}

it('leaves no socket, timer or listener behind after calls that failed in every way', async () => {
  const warned: string[] = []
  const warn = ({ name }: Error) => void warned.push(name)
  process.on('warning', warn)
  const setting = await startSetting()
  try {
    // What is made once for a process is made in the first life.
    await life(setting)
    await vi.waitFor(() => expect(setting.toExchange.open + setting.toIssuer.open).toBe(0), patience)
    const before = { kinds: held(), listeners: listeners() }
    for (let nth = 0; nth < 3; nth += 1) await life(setting)
    await vi.waitFor(() => {
      expect(setting.toExchange.open + setting.toIssuer.open).toBe(0)
      for (const [kind, count] of Object.entries(held())) {
        expect([kind, count <= (before.kinds[kind] ?? 0) + ofTheRunner]).toEqual([kind, true])
      }
    }, patience)
    expect(listeners()).toBe(before.listeners)
    expect(warned).toEqual([])
  } finally {
    process.off('warning', warn)
    await setting.close()
  }
})
