import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fhirMcpError } from '../errors.ts'
import { showRefusal, showSignedIn, showStatus } from './page.ts'
import { refusalOf } from './refusal.ts'

/** Listens on loopback for the browser to come back (RFC 8252, §7.3). */
export interface RedirectListener {
  readonly redirectUri: string
  /**
   * Waits for the one request that carries this `state` and has it dealt with; the browser gets a page that says how it
   * ended. Requests without it are refused and change nothing, so that no other page can end a sign-in. Rejects with what
   * `deal` throws, or with the reason of a signal that ends before the request comes.
   */
  next<T>(state: string, deal: (redirect: URL) => Promise<T>, signal: AbortSignal): Promise<T>
  close(): Promise<void>
}

const host = '127.0.0.1'
export const redirectPath = '/callback'

/** Starts to listen at a port, or (0) at any free one. Throws CONFIG for a port that cannot be had. */
export async function listenForRedirect(port: number): Promise<RedirectListener> {
  let onRequest = (_: IncomingMessage, response: ServerResponse) => void showStatus(response, 404)
  const server = createServer((request, response) => onRequest(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => {
      reject(
        fhirMcpError('CONFIG', {
          detail: `FHIR_MCP_LOGIN_PORT ${port} cannot be listened on; is it in use? Choose another one, or leave it out.`,
        }),
      )
    })
    server.listen(port, host, resolve)
  })
  const address = server.address()
  const origin = `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}`

  return {
    redirectUri: `${origin}${redirectPath}`,

    next: (state, deal, signal) =>
      new Promise((resolve, reject) => {
        let answered = false
        // An answer that came in time is dealt with to its end: it may have left tokens behind.
        const leave = () => void (answered || reject(signal.reason))
        signal.addEventListener('abort', leave, { once: true })
        onRequest = (request, response) => {
          const redirect = redirectOf(request, origin)
          if (redirect === undefined) return void showStatus(response, 400)
          if (redirect.pathname !== redirectPath) return void showStatus(response, 404)
          if (request.method !== 'GET') return void showStatus(response, 405)
          const states = redirect.searchParams.getAll('state')
          if (states.length !== 1 || states[0] !== state) return void showStatus(response, 400)
          if (answered) return void showStatus(response, 410)
          answered = true
          deal(redirect).then(
            async (result) => {
              await showSignedIn(response)
              resolve(result)
            },
            async (thrown: unknown) => {
              await showRefusal(response, refusalOf(thrown))
              reject(thrown)
            },
          )
        }
      }),

    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The URL that was asked for; undefined when it was asked for under another name (DNS rebinding), or is none. */
function redirectOf({ headers, url = '' }: IncomingMessage, origin: string): URL | undefined {
  if (`http://${headers.host}` !== origin || !url.startsWith('/') || !URL.canParse(url, origin))
    return undefined
  const redirect = new URL(url, origin)
  return redirect.origin === origin ? redirect : undefined
}
