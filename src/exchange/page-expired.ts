import { FhirMcpError, fhirMcpError } from '../errors.ts'

/** The exchange has forgotten a page of its own search. Whoever turns the pages may search anew. */
export class PageExpired extends FhirMcpError {
  constructor() {
    super('EXCHANGE_UNAVAILABLE', { detail: 'It no longer has the next page of its own search.' })
  }
}

/** Makes a search, and makes it once more where the exchange forgets its pages meanwhile. */
export async function searchedAnew<T>(search: () => Promise<T>): Promise<T> {
  try {
    return await search()
  } catch (thrown) {
    if (thrown instanceof PageExpired) return search()
    throw thrown
  }
}

/** Asks for a page; one that the caller's own cursor named, and that is there no more, is INVALID_ARGUMENT. */
export async function pageOfCursor<T>(cursor: string | undefined, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (thrown) {
    if (cursor === undefined || !(thrown instanceof PageExpired)) throw thrown
    throw fhirMcpError('INVALID_ARGUMENT', {
      detail:
        'The exchange no longer has the page of this cursor: leave cursor out and start again with the first page.',
    })
  }
}
