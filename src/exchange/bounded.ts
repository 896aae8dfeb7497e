import pLimit from 'p-limit'
import type { FhirClient } from './fhir-client.ts'

/** The same client with at most `limit` requests under way, however many are asked for at once. */
export function boundedClient(client: FhirClient, limit: number): FhirClient {
  const through = pLimit(limit)
  return {
    baseUrl: client.baseUrl,
    read: (...given) => through(() => client.read(...given)),
    search: (...given) => through(() => client.search(...given)),
    metadata: (...given) => through(() => client.metadata(...given)),
    nextLink: (bundle) => client.nextLink(bundle),
    page: (...given) => through(() => client.page(...given)),
    close: () => client.close(),
  }
}

/** Cuts a list into pieces of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size))
  return chunks
}
