/** Names that writers give to one thing, and how often each came. */
export type Labels = ReadonlyMap<string, number>

/** Counts a name `times` more. */
export function countLabel(labels: Map<string, number>, label: string, times = 1): void {
  labels.set(label, (labels.get(label) ?? 0) + times)
}

/** The name that came most often; of several the first of the alphabet, so that the order of rows changes nothing. */
export function commonLabel(labels: Labels): string {
  const [common] = [...labels].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return common?.[0] ?? ''
}
