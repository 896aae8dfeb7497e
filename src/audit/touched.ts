import type { Roster } from '../access/roster.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { isFhirId } from '../fhir/grammar.ts'

/** What a call answered, as far as the audit looks at it. */
export interface Said {
  readonly structured?: unknown
  /** Text, or content of any kind as text, beside or in place of `structured`. */
  readonly text?: string | undefined
  /** What says the same as `structured` once more: only its size counts. */
  readonly wording?: string | undefined
}

/** Finds out which patients are in the answer of one call. */
export interface Touched {
  /** The same exchange; whose resources and counts it gives is remembered. */
  watch(exchange: Exchange): Exchange
  /** Patients whom the call has heard of without their data. */
  knows(isOne: (id: string) => boolean): void
  /**
   * The patients in an answer: of those whom the grant let through, whoever FHIR names. Of anything else: whoever is named in it,
   * and where a table names nobody, or it is no table, everybody whose data the call was given.
   */
  patientsIn(said: Said): Set<string>
}

const reference = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

/** Starts watching a call. */
export function createTouched(): Touched {
  const given = new Set<string>()
  const heardOf: ((id: string) => boolean)[] = [(id) => given.has(id)]
  const add = (id: string | undefined) => {
    if (id !== undefined) given.add(id)
  }

  /** Those who are patients of the call; anybody else that a text names was not let through by its grant. */
  function namedIn(texts: Iterable<string>): Set<string> {
    const named = new Set<string>()
    for (const text of texts) if (heardOf.some((isOne) => isOne(text))) named.add(text)
    return named
  }

  return {
    watch: (exchange) => ({
      ...exchange,
      async patients(...asked) {
        const list = await exchange.patients(...asked)
        for (const { id } of list.patients) add(id)
        return list
      },
      async patient(grant) {
        const patient = await exchange.patient(grant)
        add(patient.id)
        return patient
      },
      async observations(...asked) {
        const page = await exchange.observations(...asked)
        for (const { subject } of page.observations) add(reference.exec(subject?.reference ?? '')?.[1])
        return page
      },
      async patientObservations(...asked) {
        const page = await exchange.patientObservations(...asked)
        for (const { subject } of page.observations) add(reference.exec(subject?.reference ?? '')?.[1])
        return page
      },
      async *patientsObservations(...asked) {
        for await (const page of exchange.patientsObservations(...asked)) {
          for (const { patient } of page.observations) add(patient)
          yield page
        }
      },
      async search(grant, ...asked) {
        const page = await exchange.search(grant, ...asked)
        const { target } = grant.terms
        if (target.kind === 'patient' && page.resources.length > 0) add(target.patient)
        return page
      },
      async read(grant, ...asked) {
        const found = await exchange.read(grant, ...asked)
        const { target } = grant.terms
        if (target.kind === 'patient') add(target.patient)
        return found
      },
      async countPatientObservations(grant, patient, filter) {
        const count = await exchange.countPatientObservations(grant, patient, filter)
        add(patient)
        return count
      },
      async countsByPatient(...asked) {
        const counts = await exchange.countsByPatient(...asked)
        for (const patient of counts?.keys() ?? []) add(patient)
        return counts
      },
      async enrolments(grant, patient) {
        const enrolments = await exchange.enrolments(grant, patient)
        add(patient)
        return enrolments
      },
      async roster(...asked) {
        const roster = await exchange.roster(...asked)
        heardOf.push((id) => isIn(roster, id))
        return roster
      },
    }),

    knows(isOne) {
      heardOf.push(isOne)
    },

    patientsIn({ structured, text }) {
      const table = rowsOf(structured)
      if (table !== undefined && text === undefined) {
        const named = namedIn([...table, ...table.flatMap(referredTo)])
        return named.size > 0 || table.length === 0 ? named : new Set(given)
      }
      const found = namedIn(isFhir(structured) ? patientsNamedBy(structured) : wordsOf(structured))
      if (isFhir(structured) && text === undefined) return found
      const all = [...found, ...given, ...namedIn(text === undefined ? [] : wordsIn(text))]
      return structured === undefined && text === undefined ? new Set() : new Set(all)
    },
  }
}

/** Whether a roster has a patient, enrolled or not. */
export function isIn(roster: Roster, id: string): boolean {
  return isFhirId(id) && ['enrolled', 'known'].includes(roster.membership(id))
}

function isFhir(structured: unknown): structured is object {
  return isObject(structured) && 'resourceType' in structured && typeof structured.resourceType === 'string'
}

/** The cells of a table, as texts. */
function rowsOf(structured: unknown): string[] | undefined {
  if (!isObject(structured) || !('columns' in structured) || !('rows' in structured)) return undefined
  const { rows } = structured
  if (!Array.isArray(rows)) return undefined
  return rows.flat().map((cell: unknown) => String(cell))
}

/** Every Patient resource, and every reference to one, wherever it stands. */
function patientsNamedBy(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) {
    for (const one of value) patientsNamedBy(one, found)
    return found
  }
  if (!isObject(value)) return found
  if ('resourceType' in value && value.resourceType === 'Patient' && 'id' in value) {
    if (typeof value.id === 'string' && isFhirId(value.id)) found.add(value.id)
  }
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'string') patientsNamedBy(member, found)
    else if (name === 'reference') {
      const id = reference.exec(member)?.[1]
      if (id !== undefined) found.add(id)
    }
  }
  return found
}

function* wordsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield* wordsIn(value)
  else if (typeof value === 'number') yield String(value)
  else if (Array.isArray(value)) for (const one of value) yield* wordsOf(one)
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      yield name
      yield* wordsOf(member)
    }
  }
}

/** What may be an id in a text; one at the end of a sentence is no id with its full stop. */
function* wordsIn(text: string): Generator<string> {
  for (const [word] of text.matchAll(/[A-Za-z0-9\-.]+/g)) {
    yield word
    if (word.endsWith('.')) yield word.replace(/\.+$/, '')
  }
}

/** The patients that a cell refers to: `Patient/1, Patient/2`. */
function referredTo(cell: string): string[] {
  if (!cell.includes('Patient/')) return []
  return cell.split(/[,;\s]+/).flatMap((word) => reference.exec(word)?.[1] ?? [])
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
