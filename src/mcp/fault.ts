/** What the log may hold of a fault: its kind and where it happened. Its message may hold a token or a patient's data. */
export function describeFault(thrown: unknown): { name: string; at: string[] } {
  if (!(thrown instanceof Error)) return { name: typeof thrown, at: [] }
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { name: thrown.name, at: frames.slice(0, 8).map((line) => line.trim()) }
}
