/**
 * Whether a header stands in a request more than once, by its lines (`rawHeaders`); `name` in lower case. Of a header that has one
 * value Node.js takes the first line (RFC 9112 §3.2, RFC 9110 §5.3 would refuse them all): another server on the way may take
 * the last.
 */
export function hasSeveral(lines: readonly string[], name: string): boolean {
  let found = 0
  for (let at = 0; at < lines.length; at += 2) {
    const own = lines[at]
    if (own?.length === name.length && own.toLowerCase() === name) found += 1
  }
  return found > 1
}
