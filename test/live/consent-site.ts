import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pageHeaders } from '../../src/broker/consent/headers.ts'
import { consentPage, continuePage, errorPage } from '../../src/broker/consent/page.ts'
import { errorCatalog } from '../../src/errors.ts'
import { hostileTexts, madeOf, many, proven } from '../broker/consent-models.ts'

/** The pages on a loopback port, as an authorization server shows them, and a client of another origin. */
export interface ConsentSite {
  readonly url: string
  /** Where the client's own redirects end. */
  readonly client: string
  /** What was sent with the form, the latest last. */
  readonly answers: [string, string][][]
  readonly origins: (string | undefined)[]
  /** Referrers that the client saw. */
  readonly referrers: (string | undefined)[]
  close(): Promise<void>
}

const back = { href: '/resume', redirectHost: 'claude.example', redirectIsLoopback: false }

/** Every page by its name, each answering to the form of this site. */
const pages: Readonly<Record<string, string>> = {
  proven: consentPage({ ...proven, action: '/answer' }),
  many: consentPage({ ...many, action: '/answer' }),
  superuser: consentPage({ ...proven, everything: true, action: '/answer' }),
  hostile: consentPage({
    ...many,
    clientName: `${'Northlake-Clinic-official-'.repeat(400)}`,
    person: 'x'.repeat(10_000),
    redirectHost: `${'a'.repeat(63)}.${'b'.repeat(63)}.example`,
    studies: hostileTexts.map((name, index) => ({ id: String(index), name, organization: name })),
    action: '/answer',
  }),
  rtl: consentPage({ ...madeOf('عيادة البحيرة الشمالية 2026 (Northlake)'), action: '/answer' }),
  nothing: consentPage({ ...many, studies: [], organizations: [], clientName: undefined, action: '/answer' }),
  error: errorPage({ code: 'FHIR_MCP_NO_PERMISSIONS', ...errorCatalog.NO_PERMISSIONS }),
  // Without the refresh, so that it stays to be looked at.
  continue: continuePage(back).replace(/<meta http-equiv[^>]*>/, ''),
  redirecting: consentPage({ ...proven, action: '/redirect' }),
  control: consentPage(proven)
    .replace('<style>', '<style>body{width:2000px}')
    .replace(/<main>/, '<main><pre>'.padEnd(12) + 'W'.repeat(400)),
}

export async function startConsentSite(): Promise<ConsentSite> {
  const answers: [string, string][][] = []
  const origins: (string | undefined)[] = []
  const referrers: (string | undefined)[] = []
  const landing = await listen((request, response) => {
    if (request.url !== '/landed') return void response.writeHead(404).end()
    referrers.push(request.headers.referer)
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>landed</title><p>landed')
  })
  const client = await listen((request, response) => {
    referrers.push(request.headers.referer)
    response.writeHead(303, { location: `${landing.url}/landed` }).end()
  })
  const site = await listen((request, response) => {
    const path = request.url ?? ''
    if (request.method === 'POST') {
      void bodyOf(request).then((body) => {
        answers.push([...new URLSearchParams(body)])
        origins.push(request.headers.origin)
        if (path === '/redirect') return response.writeHead(303, { location: client.url }).end()
        return response.writeHead(200, pageHeaders).end(continuePage(back))
      })
      return
    }
    if (path === '/resume') return void response.writeHead(303, { location: client.url }).end()
    if (path === '/page/pale') {
      const pale =
        '<!doctype html><title>pale</title><body style="background:#fff"><p style="color:#aaa">pale</p>'
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(pale)
    }
    if (path === '/page/framing') {
      const framing = '<!doctype html><title>framing</title><iframe src="/page/proven"></iframe>'
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(framing)
    }
    const page = pages[path.replace('/page/', '')]
    if (page === undefined) return void response.writeHead(404).end()
    response.writeHead(200, pageHeaders).end(page)
  })
  return {
    url: site.url,
    client: landing.url,
    answers,
    origins,
    referrers,
    close: async () => {
      for (const { server } of [site, client, landing]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

async function listen(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
