import type { Grant } from '../../access/grant.ts'
import { waysTo } from '../../access/restrictions.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { BadAnswer } from '../bad-answer.ts'
import { totalOf } from '../check.ts'
import type { ObservationFilter } from '../exchange.ts'
import type { Proofs } from '../proofs.ts'

/** How codes are searched for: `combo-code` finds them in components as well. */
export type CodeParameter = 'code' | 'combo-code'

/** A code that no observation and no component has. */
export const noCode = 'urn:control:none|none'

const refusals = ['EXCHANGE_REJECTED', 'NOT_SUPPORTED_BY_EXCHANGE', 'FORBIDDEN', 'INVALID_ARGUMENT'] as const

/**
 * The parameter that this server searches codes by. `combo-code` where a control proves that it heeds it: an impossible code
 * has to give 0, and a refusal means that it does not have it. A grant that is restricted to codes is about those of the
 * observation itself.
 */
export async function codeParameterOf(
  asking: Asking,
  grant: Grant,
  { codes }: ObservationFilter,
): Promise<CodeParameter> {
  const isRestricted = waysTo(grant.terms.restrictions, 'Observation')?.some((way) => way.codes !== undefined)
  if (codes === undefined || codes.length === 0 || isRestricted === true) return 'code'
  try {
    await asking.proofs.require('combo-code', () => control(asking))
    return 'combo-code'
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return 'code'
    throw thrown
  }
}

async function control({ client, call, shape }: Asking): Promise<number> {
  const pairs = [
    ['combo-code', noCode],
    ['_summary', 'count'],
    ['_pretty', 'false'],
  ] as const
  try {
    const bundle = await client.search(call, 'Observation', pairs, { ...shape, post: true })
    return totalOf(bundle) ?? Number.POSITIVE_INFINITY
  } catch (thrown) {
    // An answer that is no good is no refusal of the parameter.
    if (thrown instanceof BadAnswer) throw thrown
    if (refusals.some((kind) => isFhirMcpError(thrown, kind))) return Number.POSITIVE_INFINITY
    throw thrown
  }
}

const finds = 'combo-code finds'

/** Whether `combo-code` has found anything on a server, so that its empty answers can be believed. */
export const comboFinds = {
  isKnown: (proofs: Proofs): boolean => proofs.known(finds) === true,
  note: (proofs: Proofs): void => proofs.note(finds, true),
  /** It takes the parameter and has no index for it. */
  deny: (proofs: Proofs): void => proofs.note('combo-code', false),
}

/**
 * Asks a question with codes by the parameter of this server. While `combo-code` has not found anything here yet, an empty answer
 * (`isThere`) is asked for by `code` as well: a server may take the parameter and have no index for it. Whatever finds something
 * is remembered.
 */
export async function byCodes<T>(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
  isThere: (answer: T) => boolean,
  ask: (filter: ObservationFilter, parameter: CodeParameter) => T | Promise<T>,
): Promise<T> {
  const parameter = await codeParameterOf(asking, grant, filter)
  const answer = await ask(filter, parameter)
  const { proofs } = asking
  if (parameter === 'code') return answer
  if (isThere(answer)) {
    comboFinds.note(proofs)
    return answer
  }
  if (comboFinds.isKnown(proofs)) return answer
  const { panels: _, ...own } = filter
  if (!isThere(await ask(own, 'code'))) return answer
  comboFinds.deny(proofs)
  return ask(filter, 'code')
}
