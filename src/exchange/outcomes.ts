import { z } from 'zod'
import type { Bundle } from '../fhir/types.ts'
import { BadAnswer } from './bad-answer.ts'

/**
 * Issue codes that say that something is missing, whatever their severity (http://hl7.org/fhir/issue-type). `limited-filter`
 * (R5): not every condition was applied.
 */
const ofMissing: ReadonlySet<unknown> = new Set([
  'incomplete',
  'suppressed',
  'too-costly',
  'throttled',
  'timeout',
  'transient',
  'lock-error',
  'not-supported',
  'limited-filter',
])
/** `success` is R5's. */
const harmless: ReadonlySet<unknown> = new Set(['information', 'success'])

const outcomeSchema = z.looseObject({ resourceType: z.literal('OperationOutcome') })
const issueSchema = z.looseObject({ severity: z.unknown(), code: z.unknown() })

/**
 * Whether a server says of its own answer that it may not be all there is: by an OperationOutcome among the entries, whatever
 * their mode (R5 §3.2.1.3.4), or in `Bundle.issues` (R5). None of its words are passed on. Throws EXCHANGE_REJECTED where it
 * says that the search failed.
 */
export function isPartial(bundle: Bundle): boolean {
  const issues = outcomesOf(bundle).flatMap(issuesOf)
  if (issues.some(({ severity }) => severity === 'fatal' || severity === 'error')) {
    throw new BadAnswer('It says itself that the search failed, at least in part.')
  }
  return issues.some(({ severity, code }) => ofMissing.has(code) || !harmless.has(severity))
}

function outcomesOf(bundle: Bundle): unknown[] {
  const resources = (bundle.entry ?? []).map(({ resource }): unknown => resource)
  return 'issues' in bundle ? [...resources, bundle.issues] : resources
}

/** What cannot be read as an issue is one of no severity, and so no harmless one. */
function issuesOf(resource: unknown): { severity?: unknown; code?: unknown }[] {
  const outcome = outcomeSchema.safeParse(resource)
  if (!outcome.success || outcome.data.issue === undefined) return []
  const issues = z.array(issueSchema).safeParse(outcome.data.issue)
  return issues.success ? issues.data : [{}]
}
