import { expect, onTestFinished } from 'vitest'
import { accessSchema } from '../../src/config/access.ts'
import { fhirSchema } from '../../src/config/fhir.ts'
import { fhirMcpError } from '../../src/errors.ts'
import { createFhirClient } from '../../src/exchange/client.ts'
import type { ObservationFilter, PatientsQuery } from '../../src/exchange/exchange.ts'
import { createExchangeOpener } from '../../src/exchange/opener.ts'
import { grantFor, on } from './grants.ts'
import { type Faults, observation, type Row, startHapi } from './hapi-stand-in.ts'
import { callOf } from './loopback.ts'
import { testNow } from './opened.ts'

/** A search as it was sent: its parameters, and whether it was a form. */
export interface Sent {
  readonly patients: readonly string[]
  readonly names: readonly string[]
  readonly post: boolean
}

export interface Setting {
  readonly rows: readonly Row[]
  readonly faults?: Faults
  /** Enrolled; a `-` before one who was. */
  readonly enrolled: readonly string[]
  /** What a search for Observations fails with; undefined: it is answered. */
  readonly fails?: (sent: Sent) => Error | undefined
  /** Milliseconds that an answer takes, by the clock. */
  readonly takes?: number
  /** What the next page fails with. */
  readonly failsPage?: (nth: number) => Error | undefined
  readonly scope?: string
}

/** A HAPI server, and a study of it that is read as a tool reads it. */
export async function studyOn({ rows, faults, enrolled, fails, takes = 0, failsPage, scope }: Setting) {
  const { baseUrl } = await startHapi('R4', faults, rows)
  const fhir = fhirSchema.parse({ baseUrl, credentials: 'none', dialect: 'hapi' })
  const real = createFhirClient(fhir)
  const sent: Sent[] = []
  let pages = 0
  const clock = { now: testNow }
  const opener = createExchangeOpener({
    fhir,
    access: accessSchema.parse({}),
    now: () => clock.now,
    client: {
      ...real,
      async search(call, type, pairs, shape) {
        // Controls name nobody.
        const isControl = !pairs.some(([name]) => name === 'patient')
        if (type !== 'Observation' || isControl) return real.search(call, type, pairs, shape)
        const patients = pairs.filter(([name]) => name === 'patient').flatMap(([, value]) => value.split(','))
        const names = pairs.map(([name]) => name).filter((name) => !name.startsWith('_'))
        const one = { patients: patients.map((value) => value.slice(8)), names, post: shape?.post === true }
        sent.push(one)
        const error = fails?.(one)
        if (error !== undefined) throw error
        const answer = await real.search(call, type, pairs, shape)
        clock.now += takes
        return answer
      },
      async page(...asked) {
        pages += 1
        const error = failsPage?.(pages)
        if (error !== undefined) throw error
        return real.page(...asked)
      },
    },
  })
  onTestFinished(() => opener.close())
  const caller = { studies: { s1: enrolled }, ...(scope === undefined ? {} : { scope }) }
  const grant = grantFor(caller, on.study('s1'))
  const members = enrolled.filter((id) => !id.startsWith('-'))

  async function read(more: Partial<PatientsQuery> = {}) {
    const given: { patient: string; id: string }[] = []
    const whole: string[] = []
    const unread: string[] = []
    const query = { patients: members, concurrency: 5, signal: new AbortController().signal, ...more }
    for await (const page of opener.open(callOf()).patientsObservations(grant, query)) {
      for (const { patient, observation: one } of page.observations) {
        expect(whole).not.toContain(patient)
        given.push({ patient, id: one.id ?? '' })
      }
      whole.push(...page.whole)
      unread.push(...page.unread.map(({ patient }) => patient))
    }
    return { given, whole, unread }
  }
  const count = (filter: ObservationFilter) => opener.open(callOf()).countObservations(grant, filter)
  const countEach = (filter: ObservationFilter, patients = members, signal = new AbortController().signal) =>
    opener.open(callOf()).countsByPatient(grant, { ...filter, patients, concurrency: 5, signal })
  return { sent, read, count, countEach, clock, pages: () => pages }
}

export const codes = [{ system: 'urn:types', code: 'a' }]
export const late = () => fhirMcpError('EXCHANGE_TIMEOUT')

/** People with `each` observations, of code a and b in turn, a minute apart. */
export function cohortOf(
  people: number,
  each: number | ((n: number) => number),
): { ids: string[]; rows: Row[] } {
  const ids = Array.from({ length: people }, (_, n) => `p${n}`)
  const rows = ids.flatMap((id, n) =>
    Array.from({ length: typeof each === 'number' ? each : each(n) }, (_, at) =>
      observation(`o-${id}-${at}`, id, at % 2 === 0 ? 'a' : 'b', {
        status: 'final',
        effectiveDateTime: new Date(Date.UTC(2026, 9, 1, 0, at)).toISOString(),
      }),
    ),
  )
  return { ids, rows }
}

export const idsOf = (rows: readonly Row[], code?: string) =>
  rows
    .filter((row) => code === undefined || JSON.stringify(row.code).includes(`"code":"${code}"`))
    .map(({ id }) => id)
    .sort()
