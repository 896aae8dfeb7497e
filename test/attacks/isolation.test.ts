import fc from 'fast-check'
import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../plugins/index.ts'
import { permissionsClaim, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { stopClock } from './clock.ts'
import { type Answered, type AttackedGateway, startAttacked } from './gateway.ts'
import { cohortOf, foreignIds, foreignMarks, type Inhabitant, populationOf } from './population.ts'
import { seed } from './seed.ts'
import { type Signer, startSigner } from './signer.ts'

const size = 200
const population = populationOf(size)
const atOnce = pLimit(64)

let clock: ReturnType<typeof stopClock>
let signer: Signer
let exchange: TestExchange<unknown>
let gateway: AttackedGateway

/** An own tool that keeps the last answer for everybody: what this suite has to find out. */
let last: string | undefined
const forgetful = defineTool({
  name: 'forgetful',
  title: 'Forgetful',
  description: 'Gives everybody the first answer.',
  input: z.strictObject({ study_id: z.string() }),
  output: 'object',
  rule: { needs: [{ types: ['ResearchStudy'] }], patients: false },
  subject: ({ study_id }) => ({ kind: 'study', study: study_id }),
  async run({ study_id }, { exchange: asked, grant }) {
    last ??= JSON.stringify(await asked.study(grant, study_id))
    return { text: last, structured: {} }
  },
})

beforeAll(async () => {
  clock = stopClock()
  signer = await startSigner()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort: cohortOf(population) })
  gateway = await startAttacked(
    signer,
    { fhir: { baseUrl: exchange.url, credentials: 'none', connections: 20 }, access: { rosterSeconds: 60 } },
    (app) => app.fhirMcp.tool(forgetful),
  )
})
afterAll(async () => {
  clock.release()
  await Promise.all([gateway.close(), exchange.close(), signer.close()])
})

/** What the token of somebody says at one time. */
interface Standing {
  readonly token: string
  readonly studies: readonly string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

const nowSeconds = () => Math.floor(Date.now() / 1000)

function standingOf({ subject }: Inhabitant, studies: readonly string[], lifetime: number): Standing {
  const expiresAt = nowSeconds() + lifetime
  const claims = { sub: subject, exp: expiresAt, ...permissionsClaim({ studies }) }
  return { token: signer.token(signer.claims(claims)), studies, expiresAt }
}

/** One call: of which kind, about whose data, and about which of the patients. */
interface Planned {
  readonly who: number
  readonly whose: number
  readonly kind: keyof typeof kinds
  readonly patient: number
}

const kinds = {
  list_studies: () => ({}),
  get_study_metadata: ({ study }) => ({ study_id: study }),
  list_study_patients: ({ study }) => ({ study_id: study, detail: 'identified' }),
  search_patients: ({ mark }) => ({ family: `Family-${mark}`, detail: 'identified' }),
  get_patient_demographics: ({ patients }, at) => ({ patient_id: patients[at] }),
  get_patient_observations: ({ patients }, at) => ({ patient_id: patients[at], format: 'fhir_full' }),
  count_patient_observations: ({ patients }, at) => ({ patient_id: patients[at] }),
  summarize_patient_observations: ({ patients }, at) => ({ patient_id: patients[at] }),
  count_study_observations: ({ study }) => ({ study_id: study }),
  summarize_study_observations: ({ study }) => ({ study_id: study, by: 'patient' }),
} satisfies Record<string, (whose: Inhabitant, at: number) => Record<string, unknown>>

/** Calls of everybody, mixed; every fourth asks for what belongs to somebody else. */
function planned(calls: number, round: number): readonly Planned[] {
  const one = fc.record({
    who: fc.nat(size - 1),
    whose: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(size - 1) }),
    kind: fc.constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[])),
    patient: fc.nat(2),
  })
  return fc.sample(one, { seed: seed + round, numRuns: calls })
}

/** Whether a call about somebody's data may be answered, by what the caller's token says. */
function isPermitted({ kind }: Planned, { studies }: Standing, { study }: Inhabitant): boolean {
  return kind === 'list_studies' || kind === 'search_patients' || studies.includes(study)
}

/** Holds an answer against what its caller may see. */
function holds(plan: Planned, caller: Inhabitant, standing: Standing, given: object, answer: Answered): void {
  const target = population[plan.whose] ?? caller
  const what = `${caller.subject} ${plan.kind} ${JSON.stringify(given)}: ${answer.text.slice(0, 300)}`
  const asked = JSON.stringify(given)
  const own = standing.studies.includes(caller.study)
  expect(
    foreignMarks(answer.body, own ? caller.mark : '').filter((mark) => !asked.includes(mark)),
    what,
  ).toEqual([])
  expect(foreignIds(answer.body, own ? caller : { ...caller, study: '', patients: [] }, asked), what).toEqual(
    [],
  )
  if (standing.expiresAt <= nowSeconds() - 5) return void expect(answer.code, what).toBe('TOKEN_EXPIRED')
  if (standing.expiresAt <= nowSeconds()) return
  if (!isPermitted(plan, standing, target)) return void expect(answer.code, what).toBe('FORBIDDEN')
  expect(answer.isError, what).toBe(false)
  if (own && target === caller && plan.kind.startsWith('get_'))
    expect(answer.body, what).toContain(caller.mark)
  if (plan.kind === 'count_study_observations') expect(answer.text, what).toContain('12, exact')
  if (plan.kind === 'count_patient_observations') expect(answer.text, what).toContain('4, exact')
}

/** Makes all calls, many at once, by whoever is planned, and holds every answer. */
async function mix(plans: readonly Planned[], standingOfCaller: (index: number) => Standing): Promise<void> {
  await Promise.all(
    plans.map((plan) =>
      atOnce(async () => {
        const caller = population[plan.who]
        if (caller === undefined) return
        const standing = standingOfCaller(plan.who)
        const given = kinds[plan.kind](population[plan.whose] ?? caller, plan.patient)
        holds(plan, caller, standing, given, await gateway.call(standing.token, plan.kind, given))
      }),
    ),
  )
}

describe('200 principals at once on one process and one exchange', () => {
  it('get, in 10,000 calls, nothing but what is theirs', async () => {
    const standings = population.map((one) => standingOf(one, [one.study], 600))
    await mix(
      planned(10_000, 0),
      (index) => standings[index] ?? standingOf(population[0] as Inhabitant, [], 60),
    )
    expect(exchange.count).toBeGreaterThan(1000)
  })

  it('get nothing else either while tokens expire and permissions change under warm caches', async () => {
    const chances = fc.sample(fc.array(fc.nat(9), { minLength: size, maxLength: size }), { seed, numRuns: 8 })
    const standings: Standing[] = []
    for (const [round, chance] of chances.entries()) {
      for (const [index, one] of population.entries()) {
        const draw = chance[index] ?? 0
        // Some keep the token that they have, be it over by now; some lose their study, or get it back.
        if (standings[index] !== undefined && draw < 5) continue
        standings[index] = standingOf(one, draw === 9 ? [] : [one.study], draw === 8 ? 20 : 120)
      }
      await mix(planned(500, round + 1), (index) => standings[index] as Standing)
      clock.step(25)
    }
  })

  it('would be seen to get what is another’s (control)', async () => {
    const [first, second] = population
    if (first === undefined || second === undefined) throw new TypeError('there is nobody')
    for (const [one, ours] of [
      [first, true],
      [second, false],
    ] as const) {
      const { token } = standingOf(one, [one.study], 600)
      const answer = await gateway.call(token, 'forgetful', { study_id: one.study })
      expect(answer.isError, answer.text).toBe(false)
      expect(foreignMarks(answer.body, one.mark).length === 0).toBe(ours)
    }
  })
})
