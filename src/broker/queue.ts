/** Runs work one at a time for each name, in the order in which it came. */
export type Queue = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Makes an empty queue for this process. */
export function createQueue(): Queue {
  const last = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = last.get(name) ?? Promise.resolve()
    const result = before.then(work, work)
    last.set(name, result)
    try {
      return await result
    } finally {
      if (last.get(name) === result) last.delete(name)
    }
  }
}
