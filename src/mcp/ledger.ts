import { randomUUID } from 'node:crypto'
import type { Principal } from '../access/principal.ts'
import type { Target } from '../access/target.ts'
import { type Audit, type CallRecord, type CallTarget, isDenialCode, mostPatients } from '../audit/record.ts'
import { createTouched, type Said, type Touched } from '../audit/touched.ts'
import { type ErrorCode, type FhirMcpError, isFhirMcpError } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'
import { inSpan } from '../telemetry/spans.ts'
import type { Subject } from '../tools/tool.ts'
import type { Asker } from './service.ts'

/** What is known of a call before it begins. */
export interface Head {
  readonly kind: CallRecord['kind']
  readonly name: string
  readonly asker: {
    readonly principal: Pick<Principal, 'issuer' | 'subject' | 'client'>
    readonly record?: Asker['record'] | undefined
  }
  /** Names of the arguments that were given. */
  readonly given: readonly string[]
}

/** Follows one call to its end and leaves its record. */
export interface Ledger {
  readonly countRequest: () => void
  readonly countReceived: (bytes: number) => void
  readonly touched: Touched
  /** What the caller asked for, in the caller's words. */
  asked(subject: Subject): void
  /** What was decided on. */
  decided(target: Target): void
  /**
   * Runs the call. What it answers is given out once its record is durable, and so is what it throws. Throws STORAGE_UNAVAILABLE
   * in place of both where the record could not be kept.
   */
  keep<T>(run: () => Promise<T>, saidIn: (result: T) => Said): Promise<T>
  /** Leaves the record of a call that is not run. Throws STORAGE_UNAVAILABLE where it could not be kept. */
  refused(error: FhirMcpError): Promise<void>
}

interface End {
  readonly outcome: CallRecord['outcome']
  readonly code: ErrorCode | undefined
  readonly patients: ReadonlySet<string>
  readonly bytes: number
}

const nobody: ReadonlySet<string> = new Set()
const studyTypes = ['ResearchStudy', 'Group']

/** Opens the ledger of one call. */
export function openLedger(audit: Audit, now: () => number, head: Head): Ledger {
  const { asker } = head
  const start = now()
  const touched = createTouched()
  let requests = 0
  let received = 0
  let target: CallTarget | undefined

  function recordOf({ outcome, code, patients, bytes }: End): CallRecord {
    const { issuer, subject, client } = asker.principal
    const end = now()
    return {
      id: randomUUID(),
      time: new Date(end).toISOString(),
      kind: head.kind,
      name: head.name,
      issuer,
      subject,
      client,
      arguments: head.given,
      target,
      ...bounded(patients),
      outcome,
      code,
      duration: end - start,
      requests,
      received,
      bytes,
    }
  }

  async function kept(record: CallRecord): Promise<void> {
    try {
      await audit.keep(record)
      asker.record?.(audit.lineOf(record))
    } catch (thrown) {
      const code = isFhirMcpError(thrown) ? thrown.code : undefined
      asker.record?.(audit.lineOf({ ...record, outcome: 'failed', code }))
      throw thrown
    }
  }

  function failureOf(error: FhirMcpError | undefined): CallRecord {
    const outcome = error !== undefined && isDenialCode(error.code) ? 'denied' : 'failed'
    return recordOf({ outcome, code: error?.code, patients: choicesIn(error), bytes: 0 })
  }

  return {
    touched,
    countRequest: () => {
      requests += 1
    },
    countReceived: (bytes) => {
      received += bytes
    },
    asked(subject) {
      target = askedFor(subject)
    },
    decided(decided) {
      target = decidedOn(decided)
    },
    async keep(run, saidIn) {
      let result: Awaited<ReturnType<typeof run>>
      try {
        result = await run()
      } catch (thrown) {
        await kept(failureOf(isFhirMcpError(thrown) ? thrown : undefined))
        throw thrown
      }
      return inSpan('answer', async (span) => {
        const said = saidIn(result)
        const patients = touched.patientsIn(said)
        if (target?.kind === 'patient' && target.id !== undefined) patients.add(target.id)
        const bytes = bytesOf(said)
        span?.setAttributes({ 'fhir_mcp.answer.bytes': bytes, 'fhir_mcp.answer.patients': patients.size })
        await kept(recordOf({ outcome: 'allowed', code: undefined, patients, bytes }))
        return result
      })
    },
    refused: (error) => kept(failureOf(error)),
  }
}

function bounded(patients: ReadonlySet<string>): Pick<CallRecord, 'patients' | 'patientsCut'> {
  const ids = [...patients]
  if (ids.length <= mostPatients) return { patients: ids }
  return { patients: ids.slice(0, mostPatients), patientsCut: ids.length - mostPatients }
}

/** An ambiguity lists patients within reach: that is an answer about them. */
function choicesIn(error: FhirMcpError | undefined): ReadonlySet<string> {
  if (error === undefined || error.choices.length === 0) return nobody
  const prefix = 'Patient/'
  const patients = error.choices.filter(({ id }) => id.startsWith(prefix))
  return new Set(patients.map(({ id }) => id.slice(prefix.length)))
}

/** Ids alone: a title, an identifier or a participant code is a value. */
function askedFor(subject: Subject): CallTarget {
  switch (subject.kind) {
    case 'reach':
      return { kind: 'reach', id: undefined, decided: false }
    case 'study':
      return { kind: 'study', id: idAsked(subject.study, studyTypes), decided: false }
    case 'organization':
      return { kind: 'organization', id: idAsked(subject.organization, ['Organization']), decided: false }
    case 'patient': {
      // Beside a study the text may be a participant code; what is one cannot be told from an id.
      const study = subject.study === undefined ? undefined : idAsked(subject.study, studyTypes)
      const id = idAsked(subject.patient, ['Patient'])
      return { kind: 'patient', id, ...(study === undefined ? {} : { study }), decided: false }
    }
  }
}

function idAsked(text: string, types: readonly string[]): string | undefined {
  const type = types.find((one) => text.startsWith(`${one}/`))
  const id = type === undefined ? text : text.slice(type.length + 1)
  return isFhirId(id) ? id : undefined
}

function decidedOn(target: Target): CallTarget {
  switch (target.kind) {
    case 'study':
      return { kind: 'study', id: target.study, decided: true }
    case 'organization':
      return { kind: 'organization', id: target.organization, decided: true }
    case 'patient':
      return {
        kind: 'patient',
        id: target.patient,
        ...(target.study === undefined ? {} : { study: target.study }),
        decided: true,
      }
    default:
      return { kind: 'reach', id: undefined, decided: true }
  }
}

function bytesOf({ structured, text = '', wording = '' }: Said): number {
  const json = structured === undefined ? '' : JSON.stringify(structured)
  return Buffer.byteLength(json) + Buffer.byteLength(text) + Buffer.byteLength(wording)
}
