import { onTestFinished } from 'vitest'
import { type AccessOptions, accessSchema } from '../../src/config/access.ts'
import { type FhirOptions, fhirSchema } from '../../src/config/fhir.ts'
import { isFhirMcpError } from '../../src/errors.ts'
import type { Exchange, ExchangeOpener } from '../../src/exchange/exchange.ts'
import { createExchangeOpener } from '../../src/exchange/opener.ts'
import { callOf, thrownBy } from './loopback.ts'

/** The clock of these tests stands at this instant. */
export const testNow = Date.parse('2026-11-23T12:00:00Z')

/** What an opener is made of in a test. */
export interface Opening {
  readonly fhir?: Partial<FhirOptions>
  readonly access?: Partial<AccessOptions>
  readonly now?: () => number
}

/** An opener that ends with the test. */
export function openerOf(
  baseUrl: string,
  { fhir, access, now = () => testNow }: Opening = {},
): ExchangeOpener {
  const opener = createExchangeOpener({
    fhir: { ...fhirSchema.parse({ baseUrl, credentials: 'none' }), ...fhir },
    access: { ...accessSchema.parse({}), ...access },
    now,
  })
  onTestFinished(() => opener.close())
  return opener
}

/** An exchange for one call, which ends with the test. */
export function exchangeOf(baseUrl: string, opening: Opening = {}): Exchange {
  return openerOf(baseUrl, opening).open(callOf())
}

/** The code that a promise was rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown = await thrownBy(promise)
  if (!isFhirMcpError(thrown)) throw thrown
  return thrown.code.replace('FHIR_MCP_', '')
}

/** All observations of a walk through the pages, `take` of each page. */
export async function walk(
  exchange: Exchange,
  ...[grant, query, take = query.count]: [...Parameters<Exchange['observations']>, number?]
): Promise<{ ids: string[]; totals: (number | undefined)[]; pages: number }> {
  const ids: string[] = []
  const totals: (number | undefined)[] = []
  let position = query.position
  for (let pages = 1; pages < 100; pages++) {
    const page = await exchange.observations(grant, position === undefined ? query : { ...query, position })
    totals.push(page.total)
    const shown = page.observations.slice(0, take)
    for (const { id } of shown) ids.push(id ?? '')
    position = page.positionAfter(shown.length)
    if (position === undefined) return { ids, totals, pages }
  }
  throw new Error('the walk does not end')
}
