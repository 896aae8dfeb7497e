import { describe, expect, it, vi } from 'vitest'
import { createRedisWindows, type RedisClient } from '../../src/limits/redis-windows.ts'
import { createMemoryWindows } from '../../src/limits/windows.ts'

function clock(now = 1_000_000) {
  return { now }
}

describe('counts in memory', () => {
  it('begin anew when a window has ended, and say when that is', () => {
    const time = clock()
    const windows = createMemoryWindows(() => time.now)
    expect([windows.add('a'), windows.add('a'), windows.add('b')]).toEqual([
      { current: 1, ttl: 60_000 },
      { current: 2, ttl: 60_000 },
      { current: 1, ttl: 60_000 },
    ])
    time.now += 59_999
    expect(windows.add('a')).toEqual({ current: 3, ttl: 1 })
    expect(windows.peek('a')).toEqual({ current: 3, ttl: 1 })
    time.now += 1
    expect(windows.peek('a')).toEqual({ current: 0, ttl: 0 })
    expect(windows.add('a')).toEqual({ current: 1, ttl: 60_000 })
  })

  it('do not go on for longer when the clock is set back', () => {
    const time = clock()
    const windows = createMemoryWindows(() => time.now)
    windows.add('a')
    time.now -= 3_600_000
    expect(windows.add('a')).toEqual({ current: 1, ttl: 60_000 })
  })

  it('are kept of so many names alone', () => {
    const windows = createMemoryWindows(() => 0, 2)
    for (const name of ['a', 'b', 'c']) windows.add(name)
    expect([windows.peek('a').current, windows.peek('c').current]).toEqual([0, 1])
  })
})

describe('counts in Redis', () => {
  function redisWith(answer: () => unknown) {
    const time = clock()
    const commands: string[][] = []
    const lines: string[] = []
    const client: RedisClient = {
      async sendCommand(command) {
        commands.push(command)
        return answer()
      },
    }
    const windows = createRedisWindows({
      client,
      prefix: 'p:',
      setting: 'limits.redis',
      fallback: createMemoryWindows(() => time.now),
      log: (level, message) => void lines.push(`${level} ${message}`),
      now: () => time.now,
      onClose: () => void lines.push('closed'),
    })
    return { windows, time, commands, lines }
  }

  it('name nobody', async () => {
    const { windows, commands } = redisWith(() => [7, 1234])
    expect(await windows.add('ada@example.org')).toEqual({ current: 7, ttl: 1234 })
    expect(commands[0]?.[3]).toMatch(/^p:[\w-]{43}$/)
    expect(JSON.stringify(commands)).not.toContain('ada')
  })

  it.each([
    ['is gone', () => Promise.reject(new Error('gone'))],
    ['answers with something else', () => 'OK'],
  ])('are kept in memory while it %s: said once, tried again after a second', async (_, failure) => {
    let answer: () => unknown = failure
    const { windows, time, commands, lines } = redisWith(() => answer())
    expect(await windows.add('a')).toEqual({ current: 1, ttl: 60_000 })
    expect(await windows.add('a')).toMatchObject({ current: 2 })
    expect(commands.length).toBe(1)
    time.now += 1000
    expect(await windows.add('a')).toMatchObject({ current: 3 })
    expect(commands.length).toBe(2)
    answer = () => [9, 5]
    time.now += 1000
    expect(await windows.add('a')).toEqual({ current: 9, ttl: 5 })
    expect(lines).toEqual([
      'warn limits.redis does not answer: each process counts limits by itself meanwhile',
      'info limits.redis answers again: limits are counted there',
    ])
    windows.close()
    expect(lines.at(-1)).toBe('closed')
  })

  it('do not wait for one that hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { windows } = redisWith(() => new Promise(() => undefined))
      const counted = windows.add('a')
      await vi.advanceTimersByTimeAsync(500)
      expect(await counted).toMatchObject({ current: 1 })
    } finally {
      vi.useRealTimers()
    }
  })
})
