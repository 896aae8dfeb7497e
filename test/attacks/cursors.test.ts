import fc from 'fast-check'
import { EncryptJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { permissionsClaim, startExchange, type TestExchange } from '../../src/test-kit/index.ts'
import { patientsIn } from './answers.ts'
import { stopClock } from './clock.ts'
import { type Answered, type AttackedGateway, startAttacked } from './gateway.ts'
import { attack, comesThrough } from './seed.ts'
import { type Signer, startSigner } from './signer.ts'
import { notePages, outside } from './wire.ts'
import { hapiRules } from './wire-rules.ts'

const calls = [
  { tool: 'list_studies', given: { limit: 1 }, other: [] },
  {
    tool: 'list_study_patients',
    given: { study_id: 'study-a', limit: 2 },
    other: [{ study_id: 'study-b' }, { enrolment: 'all' }, { detail: 'identified' }],
  },
  {
    tool: 'search_patients',
    given: { birthdate: 'ge1900-01-01', limit: 2 },
    other: [
      { birthdate: 'ge1900-01-02' },
      { study_id: 'study-b' },
      { family: 'Okafor' },
      { detail: 'identified' },
    ],
  },
  {
    tool: 'get_patient_observations',
    given: { patient_id: 'pat-1', limit: 2 },
    other: [
      { patient_id: 'pat-7' },
      { order: 'oldest' },
      { data_type: 'heart-rate' },
      { time_zone: 'Europe/Berlin' },
    ],
  },
  {
    tool: 'get_patient_observations',
    given: { patient_id: 'pat-4', data_type: 'heart-rate', limit: 2 },
    other: [{ patient_id: 'pat-5' }, { data_type: 'blood-glucose' }, { start: '2026-10-01' }],
  },
  {
    tool: 'count_study_observations',
    given: { study_id: 'study-a', by_patient: true },
    other: [{ study_id: 'study-b' }, { end: '2026-10-01' }],
  },
  {
    tool: 'summarize_study_observations',
    given: { study_id: 'study-a', by: 'patient' },
    other: [{ study_id: 'study-b' }, { by: 'week' }, { end: '2026-10-01' }],
  },
] as const

const everybody = [
  'pat-1',
  'pat-2',
  'pat-3',
  'pat-4',
  'pat-5',
  'pat-6',
  'pat-7',
  'pat-8',
  'pat-9',
  'pat-15',
  'pat-16',
]
const ofStudyA = new Set(['pat-1', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6', 'pat-16'])
const ofStudyB = new Set(['pat-4', 'pat-5', 'pat-6', 'pat-7', 'pat-8', 'pat-9', 'pat-15'])

/** Who asks, and what they may see. */
interface Somebody {
  readonly token: string
  readonly studies: ReadonlySet<string>
  readonly patients: ReadonlySet<string>
  readonly pages: Set<string>
}

describe('a cursor', () => {
  let clock: ReturnType<typeof stopClock>
  let signer: Signer
  let exchange: TestExchange<AnyResource[]>
  let gateway: AttackedGateway
  let ada: Somebody
  let bob: Somebody
  const cursors: string[] = []

  const somebody = (sub: string, studies: string[], patients: Iterable<string>): Somebody => ({
    token: signer.token(signer.claims({ sub, ...permissionsClaim({ studies }) })),
    studies: new Set(studies),
    patients: new Set(patients),
    pages: new Set(),
  })

  beforeAll(async () => {
    clock = stopClock()
    signer = await startSigner()
    exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    gateway = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      results: { byteBudget: 8192 },
    })
    ada = somebody('ada', ['study-a', 'study-b'], everybody)
    bob = somebody('bob', ['study-a'], ofStudyA)
    for (const { tool, given } of calls) {
      const { text } = await ask(ada, tool, given)
      const cursor = /cursor: (\S+)$/m.exec(text)?.[1]
      expect(cursor, `${tool}: ${text}`).toBeDefined()
      cursors.push(cursor ?? '')
    }
  })
  afterAll(async () => {
    clock.release()
    await Promise.all([gateway.close(), exchange.close(), signer.close()])
  })

  /** Asks, and holds against what this one may see what was asked of the exchange and what came back. */
  async function ask(who: Somebody, tool: string, given: object): Promise<Answered> {
    exchange.reset()
    exchange.misbehave(() => ({ kind: 'rewrite', change: (body) => notePages(body, who.pages) }))
    const answer = await gateway.call(who.token, tool, given)
    const reach = { ...who, organizations: new Set<string>(), authorization: undefined }
    expect(exchange.requests.flatMap((request) => outside(request, reach, hapiRules))).toEqual([])
    for (const patient of patientsIn(answer.structured))
      expect([...who.patients, 'pat-13', 'pat-14']).toContain(patient)
    return answer
  }

  const isRefused = (answer: Answered) => expect(['INVALID_ARGUMENT', 'FORBIDDEN']).toContain(answer.code)
  const at = fc.nat(calls.length - 1)

  it('leads on for who got it, with the same arguments, in any form and size (control)', async () => {
    for (const [index, { tool, given }] of calls.entries()) {
      const page = await ask(ada, tool, { ...given, cursor: cursors[index] })
      expect(page.isError, page.text).toBe(false)
    }
    const larger = await ask(ada, 'list_study_patients', {
      study_id: 'study-a',
      limit: 50,
      format: 'table',
      cursor: cursors[1],
    })
    expect(larger.isError, larger.text).toBe(false)
  })

  it('is found to lead on where an attack is expected: the harness can fail', async () => {
    const failed = await comesThrough(at, async (index) => {
      const { tool, given } = calls[index] ?? calls[0]
      isRefused(await ask(ada, tool, { ...given, cursor: cursors[index] }))
    })
    expect(failed).toBe(true)
  })

  it('is worth nothing to another principal, tool, or set of arguments', async () => {
    const swapped = fc.tuple(at, at, fc.constantFrom('ada', 'bob'), fc.nat(9))
    await attack('cursors: swapped', swapped, async ([from, to, who, change]) => {
      const { tool, given, other } = calls[to] ?? calls[0]
      const changes = from === to && who === 'ada' ? other[change % Math.max(1, other.length)] : undefined
      if (from === to && who === 'ada' && changes === undefined) return
      isRefused(await ask(who === 'ada' ? ada : bob, tool, { ...given, ...changes, cursor: cursors[from] }))
    })
  })

  it('that is forged, changed or cut is none', async () => {
    const foreign = await new EncryptJWT({ position: 'pat-1', call: 'x' })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setExpirationTime('1h')
      .encrypt(new Uint8Array(32))
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const plain = encoded({ position: 'pat-1', exp: 4_000_000_000 })
    const forged = fc.tuple(at, fc.nat(), fc.nat(7)).map(([index, n, way]) => {
      const cursor = cursors[index] ?? ''
      const parts = cursor.split('.')
      const part = [0, 2, 3, 4][n % 4] ?? 0
      const bytes = Buffer.from(parts[part] ?? '', 'base64url')
      const bit = n % Math.max(1, bytes.length * 8)
      if (bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const other = cursors[(index + 1) % cursors.length]?.split('.') ?? []
      const ways = [
        parts.with(part, bytes.toString('base64url')).join('.'),
        // Without a letter it is no cursor at all: the first page.
        cursor.slice(0, 1 + (n % (cursor.length - 1))),
        parts.with(part, other[part] === parts[part] ? 'AAAA' : (other[part] ?? '')).join('.'),
        foreign,
        `${encoded({ alg: 'none' })}.${plain}.`,
        `${encoded({ alg: 'dir', enc: 'A128CBC-HS256' })}.${parts.slice(1).join('.')}`,
        signer.token({ position: 'pat-1' }),
        [plain, '.', 'pat-1', '?_getpages=1', 'null', '{"page":1,"size":1000,"skip":0}'][n % 6] ?? plain,
      ]
      return { index, cursor: ways[way] ?? foreign }
    })
    await attack('cursors: forged', forged, async ({ index, cursor }) => {
      const { tool, given } = calls[index] ?? calls[0]
      isRefused(await ask(ada, tool, { ...given, cursor }))
    })
  })

  it('does not outlive the permission that it was given under', async () => {
    const withoutA = somebody('ada', ['study-b'], ofStudyB)
    for (const [index, { tool, given }] of calls.entries()) {
      const page = await ask(withoutA, tool, { ...given, cursor: cursors[index] })
      // pat-4 is in both studies, and what is asked within reach is what is left of it.
      const isLeft = tool === 'list_studies' || tool === 'search_patients' || index === 4
      expect(page.code, `${tool}: ${page.text}`).toBe(isLeft ? undefined : 'FORBIDDEN')
      expect(page.body).not.toMatch(/pat-1\b|study-a\b/)
    }
  })

  it('does not outlive the enrolment either, once the rosters are read anew', async () => {
    const enrolment = exchange.cohort.find(({ id }) => id === 'rs-a-1')
    const before = enrolment?.status
    if (enrolment !== undefined) enrolment.status = 'withdrawn'
    clock.step(61)
    const left = { ...ada, patients: new Set(everybody.filter((id) => id !== 'pat-1')) }
    const page = await ask(left, 'get_patient_observations', {
      patient_id: 'pat-1',
      limit: 2,
      cursor: cursors[3],
    })
    expect(page.code).toBe('FORBIDDEN')
    if (enrolment !== undefined) enrolment.status = before
    clock.step(61)
  })

  it('expires after an hour', async () => {
    clock.step(3601)
    const again = somebody('ada', ['study-a', 'study-b'], everybody)
    isRefused(await ask(again, 'list_studies', { limit: 1, cursor: cursors[0] }))
  })
})
