import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { ParametersParameter } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { countStudyObservations } from '../../src/tools/count-study-observations.ts'
import type { GrantedContext } from '../../src/tools/tool.ts'
import { emptiesIn, now, principalOf, resourceOf } from './call-tool.ts'
import { callOn, observation, observationDouble, parametersNamed, valueNamed } from './observation-double.ts'

const enrolled = ['p10', 'p2', 'p1', 'p0']
const observations = ['p1', 'p1', 'p10', 'foreign'].flatMap((patient, index) => [
  observation(`o${index}`, { subject: { reference: `Patient/${patient}` }, effectiveDateTime: '2026-10-01' }),
  observation(`e${index}`, {
    subject: { reference: `Patient/${patient}` },
    status: index === 0 ? 'entered-in-error' : 'cancelled',
  }),
])
const call = (
  given: Record<string, unknown>,
  exchange: Exchange,
  context: Partial<GrantedContext> = {},
  people = enrolled,
) => callOn(countStudyObservations, { study_id: 's1', ...given }, { exchange, enrolled: people, context })
const named = (answer: Answer, name: string) =>
  valueNamed(resourceOf(answer).parameter as ParametersParameter[], name)
const patientsOf = (answer: Answer) =>
  parametersNamed(answer, 'patient').map(({ part = [] }) => ({
    patient: (valueNamed(part, 'reference') as { reference: string }).reference,
    code: valueNamed(part, 'participantCode'),
    count: valueNamed(part, 'count'),
    excluded: valueNamed(part, 'excluded'),
    ...(valueNamed(part, 'notCounted') === undefined ? {} : { notCounted: valueNamed(part, 'notCounted') }),
  }))
/** A clock that moves on with each count. */
const clock = (step: number) => {
  let time = now
  return { now: () => time, tick: () => (time += step) }
}
const settings = {
  rosterSeconds: 60,
  deadline: 60_000,
  concurrency: 2,
  filtersRows: false,
  baseUrl: 'http://exchange.example/fhir',
}

describe('count_study_observations', () => {
  it('counts the enrolled patients together, and says on what basis', async () => {
    const exchange = observationDouble(observations)
    const answer = await call({}, exchange)
    expect([named(answer, 'count'), named(answer, 'excluded'), named(answer, 'exact')]).toEqual([3, 3, true])
    expect(named(answer, 'patients')).toBe(4)
    expect(named(answer, 'basis')).toContain('does not record for which study')
    expect(answer.text).toContain('3 (3 entered in error or cancelled are not counted), exact')
    expect(answer.text).toContain('does not record for which study')
    expect(exchange.asked.map(({ method }) => method)).toEqual(['countObservations'])
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('counts by patient, by id, with participant codes and progress', async () => {
    const exchange = observationDouble(observations)
    const told: unknown[] = []
    const progress: GrantedContext['progress'] = (done, total) => told.push([done, total])
    const answer = await call({ by_patient: true }, exchange, { progress })
    expect(patientsOf(answer)).toEqual([
      { patient: 'Patient/p0', code: 'P0', count: 0, excluded: 0 },
      { patient: 'Patient/p1', code: 'P1', count: 2, excluded: 2 },
      { patient: 'Patient/p10', code: 'P10', count: 1, excluded: 1 },
      { patient: 'Patient/p2', code: 'P2', count: 0, excluded: 0 },
    ])
    expect([named(answer, 'count'), named(answer, 'exact'), named(answer, 'cursor')]).toEqual([
      3,
      true,
      undefined,
    ])
    expect(answer.text).toContain('- Patient/p1 | "P1" | 2 (2 entered in error')
    expect(told).toEqual([1, 2, 3, 4].map((done) => [done, 4]))
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('takes the counts of all patients together where the exchange has a quicker way', async () => {
    const together: Partial<Exchange> = {
      countsByPatient: async (_, { patients }) =>
        new Map(patients.map((id) => [id, { count: 3, excluded: 1 }])),
    }
    const exchange = observationDouble(observations, together)
    const answer = await call({ by_patient: true }, exchange)
    expect(patientsOf(answer).map(({ count, excluded }) => [count, excluded])).toEqual(
      enrolled.map(() => [3, 1]),
    )
    expect(named(answer, 'count')).toBe(12)
    expect(exchange.asked).toEqual([])
  })

  it('counts one by one where the quicker way has not all patients, or takes half of the time', async () => {
    const some: Partial<Exchange> = {
      countsByPatient: async () => new Map([['p1', { count: 3, excluded: 1 }]]),
    }
    const endless: Partial<Exchange> = {
      countsByPatient: (_, { signal }) =>
        new Promise((_, fail) => {
          signal.addEventListener('abort', () => fail(signal.reason), { once: true })
        }),
    }
    for (const quicker of [some, endless]) {
      const exchange = observationDouble(observations, quicker)
      const answer = await call({ by_patient: true }, exchange, { endsAt: now + 100 })
      expect(patientsOf(answer).map(({ count }) => count)).toEqual([0, 2, 1, 0])
    }
  })

  it('passes on what the quicker way fails with', async () => {
    const leaks: Partial<Exchange> = {
      countsByPatient: async () => {
        throw fhirMcpError('EXCHANGE_LEAK')
      },
    }
    const answer = call({ by_patient: true }, observationDouble(observations, leaks))
    await expect(answer).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
  })

  it('says that by_patient counts in pages where the exchange takes too long for the study', async () => {
    const slow: Partial<Exchange> = {
      countObservations: async () => {
        throw fhirMcpError('EXCHANGE_TIMEOUT')
      },
    }
    await expect(call({}, observationDouble([], slow))).rejects.toThrow('by_patient counts them in pages')
  })

  it('keeps to the concurrency of the settings', async () => {
    let [running, most] = [0, 0]
    const exchange = observationDouble([], {
      countPatientObservations: async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise(setImmediate)
        running -= 1
        return { count: 1, excluded: 0 }
      },
    })
    await call({ by_patient: true }, exchange, { settings })
    expect(most).toBe(2)
  })

  it('marks whom the deadline cut off as not counted, never as 0, and goes on with them', async () => {
    const { now: time, tick } = clock(25_000)
    const counting: Partial<Exchange> = {
      countPatientObservations: async () => {
        tick()
        return { count: 7, excluded: 0 }
      },
    }
    const exchange = observationDouble([], counting)
    const context = { settings: { ...settings, concurrency: 1 }, now: time }
    const first = await call({ by_patient: true }, exchange, context)
    expect(patientsOf(first).map(({ count, notCounted }) => count ?? notCounted)).toEqual([
      7,
      7,
      7,
      'deadline',
    ])
    expect([named(first, 'count'), named(first, 'exact'), named(first, 'notCounted')]).toEqual([
      undefined,
      false,
      1,
    ])
    expect(first.text).toContain('- Patient/p2 | "P2" | NOT COUNTED: deadline')
    const cursor = named(first, 'cursor')
    const second = await call({ by_patient: true, cursor }, exchange, context)
    expect(patientsOf(second).map(({ patient, count }) => [patient, count])).toEqual([['Patient/p2', 7]])
    expect(named(second, 'cursor')).toBeUndefined()
    expect(named(second, 'count')).toBeUndefined()
  })

  it('has no cursor where the clock leaves no time at all', async () => {
    const { now: time, tick } = clock(100_000)
    const context = { settings, now: () => tick() && time() }
    const answer = await call({ by_patient: true }, observationDouble(observations), context)
    expect(patientsOf(answer).every(({ notCounted }) => notCounted === 'deadline')).toBe(true)
    expect(named(answer, 'cursor')).toBeUndefined()
  })

  it('marks a patient for whom the exchange does not answer, and fails where it answers for none', async () => {
    const failing = (who: string): Partial<Exchange> => ({
      countPatientObservations: async (_, patient) => {
        if (who === 'all' || who === patient) throw fhirMcpError('EXCHANGE_TIMEOUT')
        return { count: 1, excluded: 0 }
      },
    })
    const answer = await call({ by_patient: true }, observationDouble([], failing('p1')))
    expect(patientsOf(answer).map(({ count, notCounted }) => count ?? notCounted)).toEqual([
      1,
      'exchange did not answer',
      1,
      1,
    ])
    expect(named(answer, 'count')).toBeUndefined()
    await expect(call({ by_patient: true }, observationDouble([], failing('all')))).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_TIMEOUT',
    })
  })

  it.each(['EXCHANGE_LEAK', 'RATE_LIMITED', 'NOT_SUPPORTED_BY_EXCHANGE'] as const)(
    'passes %s on',
    async (kind) => {
      const exchange = observationDouble([], {
        countPatientObservations: async () => {
          throw fhirMcpError(kind)
        },
      })
      await expect(call({ by_patient: true }, exchange)).rejects.toMatchObject({ code: `FHIR_MCP_${kind}` })
    },
  )

  it('begins nothing further when the caller has gone', async () => {
    const gone = new AbortController()
    let counted = 0
    const exchange = observationDouble([], {
      countPatientObservations: async () => {
        counted += 1
        gone.abort()
        return { count: 1, excluded: 0 }
      },
    })
    const context = { settings: { ...settings, concurrency: 1 }, signal: gone.signal }
    await expect(call({ by_patient: true }, exchange, context)).rejects.toThrow()
    expect(counted).toBe(1)
  })

  it('gives every patient once over all pages within the byte budget', async () => {
    const people = Array.from({ length: 200 }, (_, index) => `p${index}`)
    const exchange = observationDouble(observations)
    const seen: string[] = []
    let cursor: unknown
    do {
      const answer = await call({ by_patient: true, cursor }, exchange, { byteBudget: 16_384 }, people)
      expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
      seen.push(...patientsOf(answer).map(({ patient }) => patient))
      for (const patient of seen.slice(-1)) expect(answer.text).toContain(patient)
      expect(named(answer, 'count')).toBeUndefined()
      cursor = named(answer, 'cursor')
    } while (cursor !== undefined)
    expect(seen).toHaveLength(200)
    expect(new Set(seen).size).toBe(200)
    const { length } = exchange.asked
    expect(length).toBe(200)
  })

  it('sums up the patients where the exchange cannot count them together', async () => {
    const unsafe = async () => {
      throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE')
    }
    const answer = await call({}, observationDouble(observations, { countObservations: unsafe }))
    expect([named(answer, 'count'), named(answer, 'excluded')]).toEqual([3, 3])
    const { now: time, tick } = clock(50_000)
    const slow = async () => {
      tick()
      return { count: 1, excluded: 0 }
    }
    const late = observationDouble([], { countObservations: unsafe, countPatientObservations: slow })
    await expect(
      call({}, late, { settings: { ...settings, concurrency: 1 }, now: time }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_TIMEOUT' })
    const broken = observationDouble([], {
      countObservations: async () => {
        throw fhirMcpError('EXCHANGE_REJECTED')
      },
    })
    await expect(call({}, broken)).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_REJECTED' })
  })

  it('says so where nobody is enrolled', async () => {
    const answer = await call({ by_patient: true }, observationDouble(observations), {}, [])
    expect([named(answer, 'count'), named(answer, 'patients')]).toEqual([0, 0])
    expect(answer.text).toContain('Nobody within reach is enrolled')
  })

  it('refuses a cursor without by_patient, a foreign one, and a sealed position that is none', async () => {
    const exchange = observationDouble(observations)
    const refused = { code: 'FHIR_MCP_INVALID_ARGUMENT' }
    await expect(call({ cursor: 'x' }, exchange)).rejects.toMatchObject(refused)
    await expect(call({ by_patient: true, cursor: 'x' }, exchange)).rejects.toMatchObject(refused)
    const cursors = { seal: async () => '', open: async () => 7 }
    await expect(call({ by_patient: true, cursor: 'x' }, exchange, { cursors })).rejects.toMatchObject(
      refused,
    )
    await expect(call({ data_type: 'nonsense' }, exchange)).rejects.toMatchObject(refused)
    expect(exchange.asked).toEqual([])
  })

  it('asks nothing about a study that is not permitted', async () => {
    const exchange = observationDouble(observations)
    const principal = principalOf({ studies: ['s2'] })
    await expect(
      callOn(countStudyObservations, { study_id: 's1', by_patient: true }, { exchange, principal }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    expect(exchange.asked).toEqual([])
  })
})
