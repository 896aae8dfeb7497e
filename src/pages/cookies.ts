/** The value of a cookie in a Cookie header (RFC 6265 §4.2.1). */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const pair of pairsOf(header)) {
    if (nameOf(pair) === name) return pair.slice(name.length + 1)
  }
  return undefined
}

/** A Cookie header without one cookie and its signature. */
export function withoutCookie(header: string | undefined, name: string): string {
  return pairsOf(header)
    .filter((pair) => ![name, `${name}.sig`].includes(nameOf(pair)))
    .join('; ')
}

/** A Set-Cookie header: for our server alone, no scripts, and no requests that others' pages make by themselves. */
export function cookieLine(
  cookie: { readonly name: string; readonly value: string },
  options: { readonly path: string; readonly secure: boolean; readonly seconds: number },
): string {
  const parts = [`${cookie.name}=${cookie.value}`, `Path=${options.path}`, `Max-Age=${options.seconds}`]
  return [...parts, 'HttpOnly', 'SameSite=Lax', ...(options.secure ? ['Secure'] : [])].join('; ')
}

function pairsOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
}

function nameOf(pair: string): string {
  return pair.slice(0, Math.max(0, pair.indexOf('=')))
}
