import type { CallRecord } from '../audit/record.ts'
import type { ErrorCode } from '../errors.ts'

/** How a request to the exchange ended: the class of its status, or why there was none. */
export type RequestEnd = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'timeout' | 'aborted' | 'failed'

/** Which limit refused something: that of an address, of a principal, of bad tokens, or the wait for a turn. */
export type LimitName = 'address' | 'principal' | 'messages' | 'tokens' | 'turns'

/** What is counted of a call. Nothing of it says who or about whom. */
export type CountedCall = Pick<
  CallRecord,
  'kind' | 'name' | 'outcome' | 'code' | 'duration' | 'requests' | 'received'
>

/** What is in memory of the rosters. */
export interface KeptRosters {
  readonly rosters: number
  /** Over all of them; a patient of two counts twice. */
  readonly patients: number
}

/** Counts what happens. Its names are those of the registry and of the catalog of errors: a bounded number. */
export interface Meter {
  call(call: CountedCall): void
  /** A token that was presented and not accepted. */
  tokenRefused(code: ErrorCode): void
  /** `seconds`: from the moment when it was sent. */
  exchangeRequest(end: RequestEnd, seconds: number): void
  cache(cache: 'principals' | 'rosters', hits: number, misses: number): void
  limited(limit: LimitName): void
  /** Where to look for the rosters that are kept. */
  rostersAre(read: () => KeptRosters): void
}
