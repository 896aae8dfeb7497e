/** Whether lists and objects stand in each other more than so many levels deep. It does not recurse itself. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  let level = isNode(value) ? [value] : []
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= levels) return true
    level = level.flatMap((node) => Object.values(node).filter(isNode))
  }
  return false
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
