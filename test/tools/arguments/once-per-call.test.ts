import { expect, it, vi } from 'vitest'
import { oncePerCall } from '../../../src/tools/arguments/once-per-call.ts'

it('reads the arguments of one call once, and those of another one for themselves', () => {
  const read = vi.fn(({ n }: { n: number }) => (n > 1 ? n : undefined))
  const once = oncePerCall(read)
  const [one, other] = [{ n: 1 }, { n: 2 }]
  expect([once(one), once(one), once(other), once({ n: 2 })]).toEqual([undefined, undefined, 2, 2])
  expect(read).toHaveBeenCalledTimes(3)
})

it('reads again what could not be read', () => {
  const once = oncePerCall(() => {
    throw new TypeError('unreadable')
  })
  const given = {}
  expect(() => once(given)).toThrow('unreadable')
  expect(() => once(given)).toThrow('unreadable')
})
