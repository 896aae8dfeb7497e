import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../../src/exchange/exchange.ts'
import type { Observation } from '../../../src/fhir/types.ts'
import type { PatientOutcome } from '../../../src/tools/observations/patients-line.ts'
import { readPatients } from '../../../src/tools/observations/read-patients.ts'
import type { GrantedContext } from '../../../src/tools/tool.ts'
import { grantFor, on } from '../../exchange/grants.ts'
import { contextOf, principalOf } from '../call-tool.ts'
import { observation, observationDouble } from '../observation-double.ts'

const noRoster: GrantedContext['roster'] = () => Promise.reject(new TypeError('no roster is asked for'))

/** A study whose patients have so many observations each, and an exchange that answers in the order that `turns` says. */
function studyOf(sizes: readonly number[], concurrency: number, turns: readonly number[]) {
  const patients = sizes.map((_, n) => `p${n}`)
  const observations = sizes.flatMap((size, n) =>
    Array.from({ length: size }, (_, at): Observation => {
      return observation(`o${n}-${at}`, { subject: { reference: `Patient/p${n}` } })
    }),
  )
  const double = observationDouble(observations)
  let asked = 0
  const exchange: Exchange = {
    ...double,
    async patientObservations(grant, patient, query) {
      const turn = turns[asked % turns.length] ?? 0
      asked += 1
      for (let wait = 0; wait < turn; wait += 1) await Promise.resolve()
      return double.patientObservations(grant, patient, { ...query, count: 3 })
    },
  }
  const target = on.study('s1')
  const base = contextOf({ principal: principalOf({ studies: ['s1'] }) })
  const context: GrantedContext = {
    ...base,
    settings: { ...base.settings, concurrency },
    grant: grantFor({ studies: { s1: patients } }, target),
    target,
    exchange,
    roster: noRoster,
    requestedTypes: async () => undefined,
  }
  return { patients, context }
}

async function readFrom(
  context: GrantedContext,
  patients: readonly string[],
  most: number,
  accepts: (taken: number) => boolean = () => true,
) {
  const taken: { patient: string; outcome: PatientOutcome<readonly string[]> }[] = []
  const latest = new Map<string, readonly string[]>()
  let highest = 0
  const read = await readPatients<readonly string[]>(context, {
    patients,
    filter: {},
    most,
    begin() {
      const ids: string[] = []
      return {
        add({ id = '', subject }) {
          ids.push(id)
          // Whoever is read anew was let go before.
          latest.set(subject?.reference ?? '', ids)
          const held = [...latest.values()].reduce((sum, { length }) => sum + length, 0)
          highest = Math.max(highest, held)
          return 1
        },
        readings: () => ids,
      }
    },
    take(patient, outcome) {
      if (taken.length > 0 && !accepts(taken.length)) return false
      taken.push({ patient, outcome })
      return true
    },
  })
  return { taken, read, highest }
}

const sizes = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 12 })
const turns = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 })

describe('reading the patients of a study', () => {
  it('takes the first ones in order, each whole, and comes to the end of all by going on', async () => {
    const property = fc.asyncProperty(
      sizes,
      turns,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      async (each, order, concurrency, most) => {
        const { patients, context } = studyOf(each, concurrency, order)
        const all: string[] = []
        let left: readonly string[] = patients
        while (left.length > 0) {
          const { taken, read } = await readFrom(context, left, most)
          expect(read.taken).toBe(taken.length)
          expect(taken.map(({ patient }) => patient)).toEqual(left.slice(0, read.taken))
          expect(read.taken).toBeGreaterThan(0)
          expect(read.end === 'complete').toBe(read.taken === left.length)
          for (const { patient, outcome } of taken) {
            const size = each[patients.indexOf(patient)] ?? 0
            if ('notRead' in outcome) {
              expect(outcome.notRead).toBe('large')
              expect(size).toBeGreaterThan(most)
            } else {
              expect(outcome.gathered).toHaveLength(size)
              expect(new Set(outcome.gathered).size).toBe(size)
            }
          }
          all.push(...taken.map(({ patient }) => patient))
          left = left.slice(read.taken)
        }
        expect(all).toEqual(patients)
      },
    )
    await fc.assert(property, { numRuns: 200 })
  })

  it('leaves whom the answer has no room for', async () => {
    const { patients, context } = studyOf([1, 2, 3, 4, 5], 3, [4, 0, 2])
    const { taken, read } = await readFrom(context, patients, 100, (n) => n < 2)
    expect(taken.map(({ patient }) => patient)).toEqual(['p0', 'p1'])
    expect(read).toEqual({ taken: 2, end: 'full' })
  })

  it('holds no more than the bound, what the first in line needs, and a page of each under way', async () => {
    const { patients, context } = studyOf(
      Array.from({ length: 30 }, () => 9),
      4,
      [3, 1, 2],
    )
    const { read, highest } = await readFrom(context, patients, 20)
    expect(read.end).toBe('bound')
    expect(highest).toBeLessThanOrEqual(20 + 9 + 4 * 3)
  })
})
