import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type FhirOptions, fhirSchema } from '../../src/config/fhir.ts'
import { createFhirClient } from '../../src/exchange/client.ts'
import type { ExchangeCall } from '../../src/exchange/exchange.ts'
import type { FhirClient } from '../../src/exchange/fhir-client.ts'

/** What arrived at a loopback exchange. */
export interface Arrival {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request; `nth` counts from 1. */
export type Answer = (response: ServerResponse, arrival: Arrival, nth: number) => void

export interface LoopbackExchange {
  readonly origin: string
  readonly baseUrl: string
  readonly arrivals: Arrival[]
  readonly server: Server
}

/** A FHIR server on loopback that answers as it is told, and keeps what arrived. It ends with the test. */
export async function startExchange(answer: Answer): Promise<LoopbackExchange> {
  const arrivals: Arrival[] = []
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const arrival = { method, url, headers, body: Buffer.concat(chunks).toString() }
      answer(response, arrival, arrivals.push(arrival))
    })
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return { origin, baseUrl: `${origin}/fhir`, arrivals, server }
}

/** A client of this base URL; it ends with the test. */
export function clientOf(baseUrl: string, options: Partial<FhirOptions> = {}): FhirClient {
  const client = createFhirClient({ ...fhirSchema.parse({ baseUrl, credentials: 'none' }), ...options })
  onTestFinished(() => client.close())
  return client
}

/** A call that counts its requests. */
export function callOf(
  authorization?: string,
  signal: AbortSignal = new AbortController().signal,
): ExchangeCall & { readonly requests: () => number } {
  let requests = 0
  return {
    credential: { authorization: async () => authorization, identity: authorization ?? 'none' },
    signal,
    onRequest: () => {
      requests += 1
    },
    requests: () => requests,
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(body))
}

/** What a promise was rejected with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was not rejected')
    },
    (thrown: unknown) => thrown,
  )
}

export const emptySearchset = { resourceType: 'Bundle', type: 'searchset', total: 0 }
export const patient = { resourceType: 'Patient', id: '1' }
