import { setMaxListeners } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { exportPKCS8, generateKeyPair } from 'jose'
import { type FhirOptions, fhirSchema } from '../../../src/config/fhir.ts'
import { startExchange } from '../loopback.ts'

/** The clock of these tests, in milliseconds and in seconds since the epoch; it stands until it is moved. */
export const startMs = Date.UTC(2026, 10, 23, 12)
export function frozenClock() {
  let time = startMs
  const advance = (seconds: number) => {
    time += seconds * 1000
  }
  return { now: () => time, advance }
}

/** A request that reached the token endpoint. */
export interface AskedToken {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

/** What the token endpoint says; a function answers by itself. */
export type TokenAnswer =
  | {
      readonly status?: number
      readonly body?: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | ((response: ServerResponse) => void)

export interface TokenEndpoint {
  readonly origin: string
  readonly url: string
  readonly asked: AskedToken[]
}

/** A token endpoint on loopback that answers as it is told and keeps what arrived. It ends with the test. */
export async function startTokenEndpoint(
  answer: (asked: AskedToken, nth: number) => TokenAnswer | Promise<TokenAnswer>,
): Promise<TokenEndpoint> {
  const asked: AskedToken[] = []
  const server = await startExchange(async (response, arrival, nth) => {
    const one = {
      method: arrival.method,
      path: arrival.url,
      headers: arrival.headers,
      form: new URLSearchParams(arrival.body),
    }
    asked.push(one)
    const given = await answer(one, nth)
    if (typeof given === 'function') return given(response)
    const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body ?? {})
    const headers = { 'content-type': 'application/json', ...given.headers }
    response.writeHead(given.status ?? 200, headers).end(text)
  })
  return { origin: server.origin, url: `${server.origin}/token`, asked }
}

/** An answer with a token. */
export function issued(token: string, expiresIn: unknown = 300): TokenAnswer {
  return { body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn } }
}

/** A fresh key pair, the private half as PEM. */
export async function keyPair(algorithm: string) {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { pem: await exportPKCS8(privateKey), privateKey, publicKey }
}

/** Options of the exchange, with every default. */
export function fhirOf(options: object): FhirOptions {
  return fhirSchema.parse({ baseUrl: 'https://fhir.example.org/fhir', ...options })
}

/** A signal that never ends. */
export const { signal } = new AbortController()
// Requests have a signal each; these tests have one for all.
setMaxListeners(0, signal)
