import type { AnyResource } from '../fhir/types.ts'

/** What a stand-in answers. A text body goes out as it is, anything else as JSON. */
export interface StandInAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** An answer that ends the evaluation of a request, thrown. */
export class Refusal extends Error {
  readonly answer: StandInAnswer

  constructor(answer: StandInAnswer) {
    super(`answered with ${answer.status}`)
    this.name = 'Refusal'
    this.answer = answer
  }
}

/** An OperationOutcome as both kinds of server word it: `issue.code` is always "processing". */
export function outcome(diagnostics: string): AnyResource {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing', diagnostics }] }
}

/** Refuses with an OperationOutcome. */
export function refuse(status: number, diagnostics: string): never {
  throw new Refusal({ status, body: outcome(diagnostics) })
}
