import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import { requireMember } from '../check.ts'
import type { ObservationFilter, PatientsPage, PatientsQuery } from '../exchange.ts'
import { handedOn } from '../handed-on.ts'
import { didNotAnswer, readPatient } from '../patient-by-patient.ts'
import { codeParameterOf, comboFinds } from './code-parameter.ts'
import { observationsOf } from './observations.ts'
import { type Form, formsOf, pageSize, readTogether, type TogetherRead } from './together.ts'

/** Milliseconds that a search over several patients may take, and one of a form that was never tried. */
const patience = 15_000
const firstPatience = 3000
/** Milliseconds per patient up to which the codes go along without another thought. */
const cheap = 100

/** Searches over several patients that are under way at once: more do not make a server faster, but each of them slower. */
const mostAtOnce = 5

/** Patients that are read in one search, or one by one. */
interface Piece {
  readonly patients: readonly string[]
  readonly oneByOne: boolean
  /** Ids of observations that were handed on before its search broke off. */
  readonly given: Set<string>
}

interface Reading {
  readonly asking: Asking
  readonly grant: Grant
  readonly query: PatientsQuery
  readonly filter: ObservationFilter
  readonly forms: readonly Form[]
  readonly give: (page: PatientsPage) => Promise<void>
}

/**
 * The observations of many patients of a grant: several in one search, as many as this server answers in time. That is found
 * out as it goes (few at first, then more; half of them where an answer does not come; without the codes, or one by one, where
 * that is faster) and remembered for the calls to come.
 */
export async function* observationsOfPatients(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): AsyncIterable<PatientsPage> {
  for (const patient of query.patients) requireMember(grant, patient)
  const { patients, concurrency, signal, ...filter } = query
  const parameter = await codeParameterOf(asking, grant, filter)
  const forms = formsOf(asking, grant, filter, parameter)
  if (forms === undefined) {
    yield { observations: [], gaps: [], whole: patients, unread: [] }
    return
  }
  const own: Asking = { ...asking, call: { ...asking.call, signal } }
  yield* handedOn((give) => readAll({ asking: own, grant, query, filter, forms, give }))
}

async function readAll(reading: Reading): Promise<void> {
  const { asking, grant, query, filter } = reading
  const { paces, proofs } = asking
  let { forms } = reading
  const waiting: Piece[] = []
  const rowsSeen = new Map<Form, { rows: number; patients: number }>()
  let next = 0

  function formNow(): Form | undefined {
    if (paces.worksTogether === false) return undefined
    const costOf = ({ pace }: Form) => pace.cost ?? 0
    const cheapEnough = forms.find((form) => costOf(form) <= cheap)
    return cheapEnough ?? forms.toSorted((one, other) => costOf(one) - costOf(other))[0]
  }

  function sizeNow(): number {
    const form = formNow()
    if (form === undefined) return 1
    const seen = rowsSeen.get(form)
    const most = seen === undefined || seen.rows === 0 ? Infinity : (seen.patients * pageSize) / seen.rows
    return Math.max(1, Math.min(form.pace.size, Math.floor(most)))
  }

  function nextPiece(): Piece | undefined {
    const piece = waiting.shift()
    if (piece !== undefined) return piece
    if (next >= query.patients.length) return undefined
    const patients = query.patients.slice(next, next + sizeNow())
    next += patients.length
    return { patients, oneByOne: false, given: new Set() }
  }

  function again({ patients, given }: Piece, size: number, oneByOne = false): void {
    waiting.unshift(...chunksOf(patients, size).map((some) => ({ patients: some, oneByOne, given })))
  }

  async function readPiece(piece: Piece): Promise<void> {
    const { patients, given } = piece
    const form = piece.oneByOne || patients.length === 1 ? undefined : formNow()
    if (form === undefined) {
      for (const patient of patients) await readOne(reading, patient, given)
      return
    }
    const most = form.pace.cost === undefined ? firstPatience : patience
    const readBy = (own: Form) =>
      readTogether({
        ...reading,
        form: own,
        patients,
        patience: most,
        async give(rows) {
          const fresh = rows.filter(({ observation: { id = '' } }) => !given.has(id))
          for (const { observation } of fresh) given.add(observation.id ?? '')
          await reading.give({ observations: fresh, gaps: [], whole: [], unread: [] })
        },
      })
    let read: TogetherRead
    try {
      read = await readBy(form)
      if (read.isRead && (await isMissedBy(form, read, readBy))) return again(piece, patients.length)
    } catch (thrown) {
      query.signal.throwIfAborted()
      if (didNotAnswer(thrown)) {
        form.pace.late(patients.length, most)
        return again(piece, Math.ceil(patients.length / 2))
      }
      if (!isAnswer(thrown)) throw thrown
      if (paces.worksTogether === undefined) paces.note(false)
      return again(piece, 1, true)
    }
    const cost = read.milliseconds / patients.length
    const seen = rowsSeen.get(form) ?? { rows: 0, patients: 0 }
    rowsSeen.set(form, { rows: seen.rows + read.rows, patients: seen.patients + patients.length })
    if (!read.isRead) {
      if (form.picked !== undefined) form.pace.dear(cost)
      return again(piece, sizeNow())
    }
    form.pace.answered(patients.length, read.milliseconds)
    if (paces.worksTogether === undefined) {
      const works = read.named > 1 || (await isTrue(reading, piece))
      paces.note(works)
      if (!works) return again(piece, 1, true)
    }
    const { unsure } = read
    if (unsure.size > 0) again({ ...piece, patients: [...unsure] }, 1, true)
    const whole = patients.filter((patient) => !unsure.has(patient))
    await reading.give({ observations: [], gaps: [], whole, unread: [] })
  }

  /**
   * Whether a search found nothing since the server takes `combo-code` without an index for it: asked by `code` it has rows.
   * From then on it is asked so.
   */
  async function isMissedBy(
    form: Form,
    { rows }: TogetherRead,
    readBy: (form: Form) => Promise<TogetherRead>,
  ): Promise<boolean> {
    if (!form.pairs.some(([name]) => name === 'combo-code')) return false
    if (rows > 0) {
      comboFinds.note(proofs)
      return false
    }
    if (comboFinds.isKnown(proofs)) return false
    const { panels: _, ...own } = filter
    const [byCode] = formsOf(asking, grant, own, 'code') ?? []
    if (byCode === undefined || (await readBy(byCode)).rows === 0) return false
    comboFinds.deny(proofs)
    forms = formsOf(asking, grant, filter, 'code') ?? []
    return true
  }

  async function readOn(): Promise<void> {
    for (let piece = nextPiece(); piece !== undefined; piece = nextPiece()) {
      query.signal.throwIfAborted()
      await readPiece(piece)
    }
  }

  // What was never tried is tried once, and not by all at once: it may keep the server busy for long.
  const isUntried = () => {
    const form = formNow()
    const isKnown = form?.pace.cost !== undefined && paces.worksTogether !== undefined
    return form !== undefined && !isKnown && sizeNow() > 1
  }
  while (isUntried()) {
    const piece = nextPiece()
    if (piece === undefined) break
    await readPiece(piece)
  }
  const atOnce = formNow() === undefined ? query.concurrency : Math.min(query.concurrency, mostAtOnce)
  await Promise.all(Array.from({ length: atOnce }, readOn))
}

function readOne({ asking, grant, query, give }: Reading, patient: string, given: Set<string>) {
  return readPatient((one, page) => observationsOf(asking, grant, one, page), query, { patient, give, given })
}

/** Whether what several patients brought together is all that they bring one by one: some servers heed but one of them. */
async function isTrue({ asking, grant, query }: Reading, { patients, given }: Piece): Promise<boolean> {
  const { patients: _, concurrency, signal, ...filter } = query
  const newest = async (patient: string) => {
    try {
      const page = await observationsOf(asking, grant, patient, { ...filter, order: 'newest', count: 1 })
      return page.observations
    } catch (thrown) {
      if (didNotAnswer(thrown)) return []
      throw thrown
    }
  }
  const found = (await pMap(patients, newest, { concurrency })).flat()
  return found.every(({ id = '' }) => given.has(id))
}

/** Whether the exchange answered, but not in a way that can be used: it may not know several patients in one search. */
function isAnswer(thrown: unknown): boolean {
  const kinds = ['EXCHANGE_REJECTED', 'NOT_SUPPORTED_BY_EXCHANGE', 'INVALID_ARGUMENT', 'FORBIDDEN'] as const
  return kinds.some((kind) => isFhirMcpError(thrown, kind))
}
