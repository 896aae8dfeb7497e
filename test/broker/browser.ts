/** What a browser came to. */
export interface Visited {
  readonly url: URL
  readonly status: number
  readonly html: string
  readonly headers: Headers
}

interface StoredCookie {
  readonly host: string
  readonly path: string
  value: string
}

/** A browser without scripts: follows redirects, keeps cookies by host and path, posts forms. */
export class Browser {
  readonly cookies = new Map<string, StoredCookie>()
  /** Every URL that it asked for. */
  readonly history: string[] = []
  /** URLs that begin with it are the client's: it stops there, and asks nothing. */
  readonly stopAt: string

  constructor(stopAt: string) {
    this.stopAt = stopAt
  }

  visit(url: string | URL): Promise<Visited> {
    return this.#follow(new URL(url), { method: 'GET' })
  }

  /** Sends the form of a page, with these fields in place of what it has. */
  submit(page: Visited, fields: readonly (readonly [string, string])[]): Promise<Visited> {
    const action = /<form[^>]*action="([^"]*)"/.exec(page.html)?.[1] ?? ''
    const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const own = hidden.map(([, name = '', value = '']) => [name, value] as const)
    const given = new Set(fields.map(([name]) => name))
    const body = new URLSearchParams()
    for (const [name, value] of [...own.filter(([name]) => !given.has(name)), ...fields])
      body.append(name, value)
    return this.#follow(new URL(unescaped(action), page.url), { method: 'POST', body })
  }

  async #follow(first: URL, init: { method: string; body?: URLSearchParams }): Promise<Visited> {
    let url = first
    let request: { method: string; body?: URLSearchParams } = init
    for (let hop = 0; hop < 20; hop += 1) {
      if (url.href.startsWith(this.stopAt)) return { url, status: 0, html: '', headers: new Headers() }
      this.history.push(url.href)
      const cookie = this.#cookiesFor(url)
      const response = await fetch(url, {
        ...request,
        redirect: 'manual',
        headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) },
      })
      this.#keep(url, response)
      const html = await response.text()
      const refresh = /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1]
      const next = response.headers.get('location') ?? (refresh === undefined ? null : unescaped(refresh))
      if (next === null) return { url, status: response.status, html, headers: response.headers }
      url = new URL(next, url)
      request = { method: 'GET' }
    }
    throw new Error('too many redirects')
  }

  #cookiesFor(url: URL): string {
    return [...this.cookies]
      .filter(
        ([, { host, path }]) => host === url.host && `${url.pathname}/`.startsWith(path.replace(/\/?$/, '/')),
      )
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ')
  }

  #keep(url: URL, response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /; *path=([^;]*)/i.exec(line)?.[1] ?? '/'
      const key = `${name} ${url.host} ${path}`
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.cookies.delete(key)
      else this.cookies.set(key, { host: url.host, path, value })
    }
  }
}

function unescaped(html: string): string {
  return html.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'")
}
