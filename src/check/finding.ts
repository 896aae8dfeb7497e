import { type FhirMcpError, isFhirMcpError } from '../errors.ts'

/** How a check ended. A warning is something that works now and may not later, or only for some. */
export type Outcome = 'ok' | 'warn' | 'fail' | 'skipped'

/** What a check found, in one sentence, and what is to be done where it is not as it should be. */
export interface Finding {
  readonly outcome: Outcome
  readonly found: string
  readonly cure?: string
}

/** A finding of a named check. */
export interface CheckResult extends Finding {
  readonly check: string
}

export const ok = (found: string): Finding => ({ outcome: 'ok', found })
export const warn = (found: string, cure: string): Finding => ({ outcome: 'warn', found, cure })
export const fail = (found: string, cure: string): Finding => ({ outcome: 'fail', found, cure })
export const skipped = (found: string, cure?: string): Finding => ({
  outcome: 'skipped',
  found,
  ...(cure === undefined ? {} : { cure }),
})

/** A failure that a check did not look for: what the catalog says of it. Nothing else of what was thrown is shown. */
export function failureOf(thrown: unknown): Finding {
  if (isFhirMcpError(thrown)) return fail(wordsOf(thrown), thrown.entry.cure)
  const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : ''
  return fail(`The check itself failed${code}.`, 'Report it with the version of this package.')
}

/** The code and the words of an error of the catalog. */
export function wordsOf({ code, message }: FhirMcpError): string {
  return `${code}: ${message}`
}

/** The error of the catalog that a question ended with; undefined where it was answered. Throws anything else. */
export async function errorOf(question: Promise<unknown>): Promise<FhirMcpError | undefined> {
  try {
    await question
    return undefined
  } catch (thrown) {
    if (isFhirMcpError(thrown)) return thrown
    throw thrown
  }
}
