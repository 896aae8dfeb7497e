const frame =
  /^ {4}at [\w.<>[\]#$* ]*\(?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()]+:\d+:\d+\)?$|^ {4}at <anonymous>$/

/**
 * What the log may hold of a fault: its kind and where it happened. Its message may hold a token or a patient's data, and lines
 * that look like those of a stack.
 */
export function describeFault(thrown: unknown): { name: string; at: string[] } {
  if (!(thrown instanceof Error)) return { name: typeof thrown, at: [] }
  const { name, message, stack = '' } = thrown
  const said = stack.indexOf(message)
  const below = said === -1 ? '' : stack.slice(said + message.length)
  const frames = below.split('\n').filter((line) => frame.test(line))
  return { name: /^\w{1,60}$/.test(name) ? name : 'Error', at: frames.slice(0, 8).map((line) => line.trim()) }
}
