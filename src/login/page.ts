import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { FhirMcpError } from '../errors.ts'

const style = 'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}'
/** The answer that the browser was sent here with, a used code among it, does not stay in its address bar and history. */
const script = "history.replaceState(null,'',location.pathname)"
const hashOf = (text: string) => createHash('sha256').update(text).digest('base64')

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hashOf(style)}'; script-src 'sha256-${hashOf(script)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const

/** Says that the sign-in worked, and nothing more. Resolves once the page is on its way or the browser has gone. */
export function showSignedIn(response: ServerResponse): Promise<void> {
  return show(response, 200, 'Signed in', 'You are signed in. You can close this page.')
}

/** Says that the sign-in failed: the code and our own words. */
export function showRefusal(response: ServerResponse, { code, message }: FhirMcpError): Promise<void> {
  return show(response, 400, 'Not signed in', `${code}: ${message}`)
}

/** Says that this address is not what was meant. */
export function showStatus(response: ServerResponse, status: 400 | 404 | 405 | 410): Promise<void> {
  return show(response, status, 'Not signed in', 'This address takes one answer to one sign-in.')
}

function show(response: ServerResponse, status: number, title: string, text: string): Promise<void> {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style><script>${script}</script></head><body><main><h1>${title}</h1><p>${escaped(text)}</p></main></body></html>`
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.writeHead(status, headers).end(page)
  })
}

function escaped(text: string): string {
  return text.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`)
}
