import { errorOf, type Finding, skipped } from './finding.ts'
import type { Probes } from './probes.ts'
import { howToGiveOne } from './token.ts'

/** Why the exchange cannot be asked for data in this run; undefined where it can. */
export async function whyNotCalling(probes: Probes): Promise<Finding | undefined> {
  if ((await probes.tokens()) === undefined) return skipped('It takes a token to ask.', howToGiveOne)
  if (probes.options.fhir.credentials === 'held') {
    return skipped('The tokens for the exchange are held by the broker; only the server has them.')
  }
  if ((await errorOf(probes.principal())) !== undefined) return skipped('The token is not accepted.')
  if ((await errorOf(probes.server())) !== undefined)
    return skipped('The exchange does not answer as it should.')
  if ((await errorOf(probes.audit())) !== undefined) {
    return skipped('Nothing is read without a record, and the audit cannot be written.')
  }
  return undefined
}
