/** When to stop waiting, and with what. */
export interface Limit {
  readonly milliseconds: number
  readonly reason: Error
}

/** Waits for something that goes on by itself, until the signal (which has not ended yet) ends or the limit is reached. */
export async function within<T>(work: Promise<T>, signal: AbortSignal, limit?: Limit): Promise<T> {
  const done = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const given = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal })
    if (limit !== undefined) timer = setTimeout(() => reject(limit.reason), limit.milliseconds)
  })
  try {
    return await Promise.race([work, given])
  } finally {
    done.abort()
    clearTimeout(timer)
  }
}
