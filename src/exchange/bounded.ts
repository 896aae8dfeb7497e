import type { FhirClient } from './fhir-client.ts'

/**
 * Maps in order with at most `limit` under way. After the first failure nothing further is begun, and it is thrown.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const rest = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failed) return
      try {
        results[index] = await map(item, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}

/** The same client with at most `limit` requests under way, however many are asked for at once. */
export function boundedClient(client: FhirClient, limit: number): FhirClient {
  const waiting: (() => void)[] = []
  let free = limit
  const through = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await ask()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
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
