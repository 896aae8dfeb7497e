import type { AnyResource, Bundle } from '../fhir/types.ts'
import type { ExchangeCall } from './exchange.ts'
import type { SearchPairs } from './search-pairs.ts'

/** How one request is made. */
export interface RequestShape {
  /** Send the search as a form to `_search`. */
  readonly post?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Take an answer of which the exchange says that it may be incomplete: the caller asks `isPartial`, and says so. */
  readonly takesPartial?: boolean
}

/**
 * The one door to the exchange. Types and ids are held against FHIR's grammar before a URL is made, empty values are
 * refused, no redirect is followed, and errors carry no URL, query or body. Every method throws EXCHANGE_UNAVAILABLE,
 * EXCHANGE_TIMEOUT, EXCHANGE_REJECTED or RATE_LIMITED; a 403, 404 or 410 of the exchange throws FORBIDDEN. A search of which the
 * exchange says that it failed, or that its answer may be incomplete, is EXCHANGE_REJECTED as well.
 */
export interface FhirClient {
  /** The configured base URL, without a slash at its end. */
  readonly baseUrl: string
  /** Reads one resource; its type and id are checked. */
  read(call: ExchangeCall, type: string, id: string, shape?: RequestShape): Promise<AnyResource>
  /** Searches a type; the answer is a Bundle of type searchset. */
  search(call: ExchangeCall, type: string, pairs: SearchPairs, shape?: RequestShape): Promise<Bundle>
  /** Reads `metadata` with a query, such as `_summary=true`. */
  metadata(call: ExchangeCall, pairs: SearchPairs): Promise<AnyResource>
  /**
   * The `next` link of a Bundle as path and query below the base, for `page`; undefined when there is none. A link on the
   * configured base is taken as it is; a HAPI page link (`_getpages`) that names another host, as behind a proxy, is
   * rebuilt on the base from its query alone; any other link elsewhere throws EXCHANGE_REJECTED.
   */
  nextLink(bundle: Bundle): string | undefined
  /** Reads a page by what `nextLink` gave. */
  page(call: ExchangeCall, link: string, shape?: RequestShape): Promise<Bundle>
  close(): Promise<void>
}
