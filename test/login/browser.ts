/** A page that the browser ended on. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** What a browser does on its way; each part may be left out. */
export interface Visit {
  /** Name that is typed into the login form; one that nobody has denies the sign-in. */
  readonly person?: string
  /** Changes the first address, as somebody in between could. */
  readonly tamper?: (url: URL) => void
}

/** A browser: cookies, redirects, and login forms. */
export function createBrowser() {
  const cookies = new Map<string, string>()

  async function get(url: URL, form?: URLSearchParams): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie, accept: 'text/html' },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return response
  }

  /** Signs in, and stops before the address of the client is asked for. */
  async function redirectOf(address: string, visit: Visit = {}): Promise<URL> {
    const { person = 'ada', tamper } = visit
    let url = new URL(address)
    tamper?.(url)
    let response = await get(url)
    for (let hop = 0; hop < 12; hop += 1) {
      const location = response.headers.get('location')
      if (location !== null) {
        url = new URL(location, url)
        if (url.pathname === '/callback') return url
        response = await get(url)
        continue
      }
      const page = await response.text()
      const form = formOf(page, person)
      if (form === undefined) throw new Error(`the browser is left with ${response.status} ${page}`)
      response = await get(new URL(form.action, url), form.fields)
    }
    throw new Error('the browser went round in circles')
  }

  /** Asks for one address and shows the page. */
  async function show(url: URL): Promise<Page> {
    const response = await fetch(url, { redirect: 'manual' })
    return { url, status: response.status, headers: response.headers, body: await response.text() }
  }

  return {
    redirectOf,
    show,
    /** Signs in and comes back to the client. */
    signIn: async (address: string, visit: Visit = {}): Promise<Page> =>
      show(await redirectOf(address, visit)),
    /** Enters a device code (RFC 8628), and confirms it and signs in, or says no. */
    async answerDevice(address: string, code: string, person: string | undefined): Promise<string> {
      let url = new URL(address)
      let response = await get(url)
      for (let hop = 0; hop < 16; hop += 1) {
        const location = response.headers.get('location')
        if (location !== null) {
          url = new URL(location, url)
          response = await get(url)
          continue
        }
        const page = await response.text()
        const form = formOf(page, person ?? '')
        if (form === undefined) return page
        if (page.includes('user_code')) form.fields.set('user_code', code)
        const denying = person === undefined && page.includes('name="abort"')
        if (denying) form.fields.set('abort', 'yes')
        response = await get(new URL(form.action, url), form.fields)
        if (denying) return response.text()
      }
      throw new Error('the browser went round in circles')
    },
  }
}

function formOf(page: string, person: string): { action: string; fields: URLSearchParams } | undefined {
  const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? []
  if (action === undefined) return undefined
  const fields = new URLSearchParams()
  for (const [input] of page.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1]
    const value = /value="([^"]*)"/.exec(input)?.[1] ?? ''
    if (name !== undefined) fields.set(name, name === 'login' ? person : value)
  }
  return { action, fields }
}
