/**
 * The pairs of a form (`application/x-www-form-urlencoded`), in order, as a servlet container reads them: in the charset that
 * the content type names, and in ISO-8859-1 where it names none (Jakarta Servlet 6.0, §3.12). Undefined where it is no form.
 */
export function formPairs(contentType: string | undefined, body: string): [string, string][] | undefined {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/x-www-form-urlencoded') return undefined
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(one)?.[1]).find(Boolean)
  const encoding = charset === 'utf-8' || charset === 'utf8' ? 'utf8' : 'latin1'
  const decoded = (text: string) => Buffer.from(bytesOf(text)).toString(encoding)
  return body
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at === -1 ? [decoded(pair), ''] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]
    })
}

function bytesOf(text: string): number[] {
  const bytes = [...Buffer.from(text.replaceAll('+', ' '), 'utf8')]
  const out: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    const hex = String.fromCharCode(...bytes.slice(at, at + 3))
    const coded = /^%[0-9A-Fa-f]{2}$/.test(hex)
    out.push(coded ? Number.parseInt(hex.slice(1), 16) : (bytes[at] ?? 0))
    if (coded) at += 2
  }
  return out
}
