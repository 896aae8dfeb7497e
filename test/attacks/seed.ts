import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { vi } from 'vitest'
import { cases } from './cases.ts'

/**
 * The seed of every attack of this run: `ATTACK_SEED` where it is set, so that a failure can be played again, else a new one.
 * Each test file prints it.
 */
export const seed =
  process.env.ATTACK_SEED === undefined ? randomInt(2 ** 31 - 1) : Number(process.env.ATTACK_SEED)

/** Time for the attacks of one test, on a machine that is busy with others. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 60_000 })

console.log(`attacks: ATTACK_SEED=${seed} plays these cases again`)

/** Tries as many generated cases as the table says; a failure says the seed and the smallest case that it found. */
export async function attack<T>(
  name: keyof typeof cases,
  tried: fc.Arbitrary<T>,
  withstands: (one: T) => Promise<void> | void,
): Promise<void> {
  const property = fc.asyncProperty(tried, async (one) => withstands(one))
  await fc.assert(property, { seed, numRuns: cases[name] })
}

/** The same, so many cases at the same time: for attacks that take their time. */
export async function attackAtOnce<T>(
  name: keyof typeof cases,
  size: number,
  tried: fc.Arbitrary<T>,
  withstands: (one: T) => Promise<void>,
): Promise<void> {
  const many = fc.array(tried, { minLength: size, maxLength: size })
  const property = fc.asyncProperty(many, async (all) => void (await Promise.all(all.map(withstands))))
  await fc.assert(property, { seed, numRuns: Math.ceil(cases[name] / size) })
}

/** Whether an attack comes through where it should: the control of a suite, which shows that the suite can fail. */
export async function comesThrough<T>(
  tried: fc.Arbitrary<T>,
  withstands: (one: T) => Promise<void> | void,
  numRuns = 300,
): Promise<boolean> {
  const property = fc.asyncProperty(tried, async (one) => withstands(one))
  const { failed } = await fc.check(property, { seed, numRuns, endOnFailure: true })
  return failed
}
