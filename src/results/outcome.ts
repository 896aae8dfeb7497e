import type { FhirMcpError } from '../errors.ts'
import type { AnyResource } from '../fhir/types.ts'
import type { Answer } from './answer.ts'
import { withMeaning } from './quoted.ts'

/** CodeSystem of the error codes in OperationOutcomes; `docs/errors.md` lists them. */
export const errorSystem = 'https://github.com/fastify-fhir-mcp/fastify-fhir-mcp/errors'

/** Something that an answer has to say beside its data. */
export interface Note {
  readonly severity: 'information' | 'warning'
  /** FHIR issue type: `informational`, `incomplete`, `not-supported`, … */
  readonly code: string
  readonly text: string
}

/** Notes as one OperationOutcome, for a Bundle entry of mode `outcome`. */
export function outcomeOf(notes: readonly Note[]): AnyResource {
  const issue = notes.map((note) => ({ severity: note.severity, code: note.code, diagnostics: note.text }))
  return { resourceType: 'OperationOutcome', issue }
}

/** An error as a tool answers it: an OperationOutcome with `isError`, and the same in words. `cure`: what its caller can do. */
export function errorAnswer(error: FhirMcpError, cure: string = error.entry.cure): Answer {
  const extra = [
    ...error.choices.map((choice) => `- ${choice.id}: ${choice.label}`),
    ...(error.scopes.length > 0 ? [`Scopes needed: ${error.scopes.join(' ')}`] : []),
    ...(error.retryAfter !== undefined ? [`Try again in ${error.retryAfter} s.`] : []),
  ]
  const said = [error.message, ...extra].join('\n')
  // Only choices have texts of the exchange in them.
  const diagnostics = error.choices.length > 0 ? withMeaning(said) : said
  const structured: AnyResource = {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code: error.entry.issue,
        details: { coding: [{ system: errorSystem, code: error.code }], text: error.entry.message },
        diagnostics,
      },
    ],
  }
  return { structured, text: `${error.code}: ${diagnostics}\n${cure}`, isError: true }
}
