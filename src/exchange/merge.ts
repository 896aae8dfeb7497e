/** One branch of a merged search, already in the order of the merge. `P` is how it says where it stands. */
export interface Branch<T, P = string> {
  /** Makes its next item known; undefined behind its last one. */
  peek(): Promise<T | undefined>
  /** Takes the item that `peek` gave. */
  take(): void
  /** Where it stands; null when it is known that nothing is left. */
  position(): P | null
}

/** Items in merge order, and where all branches stand after each number of them (0 to length). */
export interface Merged<T, P = string> {
  readonly items: readonly T[]
  readonly positions: readonly (readonly (P | null)[])[]
}

/** Takes the first `count` items of several branches, each one in the order of `compare`. */
export async function mergeBranches<T, P>(
  branches: readonly Branch<T, P>[],
  compare: (a: T, b: T) => number,
  count: number,
): Promise<Merged<T, P>> {
  const stand = () => branches.map((branch) => branch.position())
  // The first pages are read at once; later ones as they are needed.
  await Promise.all(branches.map((branch) => branch.peek()))
  const items: T[] = []
  const positions = [stand()]
  while (items.length < count) {
    let first: { branch: Branch<T, P>; item: T } | undefined
    for (const branch of branches) {
      const item = await branch.peek()
      if (item === undefined) continue
      if (first === undefined || compare(item, first.item) < 0) first = { branch, item }
    }
    if (first === undefined) break
    first.branch.take()
    items.push(first.item)
    positions.push(stand())
  }
  return { items, positions }
}
