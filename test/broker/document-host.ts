import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { DocumentAccess } from '../../src/broker/guarded-fetch.ts'
import { selfSigned } from './certificate.ts'

/** Name under which the host of documents is found, by `access` alone. */
const name = 'client.example.test'

/** A host of client id metadata documents. */
export interface DocumentHost {
  /** `https://client.example.test:<port>` */
  readonly origin: string
  readonly port: number
  /** How it is reached: its name is one of this machine, which only this access allows. */
  readonly access: DocumentAccess
  /** The same, under the rule for addresses that is the real one. */
  readonly guarded: (isAllowed: (address: string) => boolean) => DocumentAccess
  /** Bodies by path; undefined: 404. */
  readonly documents: Map<string, string>
  /** Paths that redirect elsewhere. */
  readonly redirects: Map<string, string>
  readonly requests: string[]
  close(): Promise<void>
}

/** Starts a host of documents on a loopback port, with TLS. */
export async function startDocumentHost(): Promise<DocumentHost> {
  const { cert, key } = selfSigned(name)
  const documents = new Map<string, string>()
  const redirects = new Map<string, string>()
  const requests: string[] = []
  const server = createServer({ cert, key }, (request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    const location = redirects.get(path)
    const body = documents.get(path)
    if (location !== undefined) return void response.writeHead(302, { location }).end()
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const guarded = (isAllowed: (address: string) => boolean): DocumentAccess => ({
    resolve: (_, answered) => answered(null, [{ address: '127.0.0.1', family: 4 }]),
    isAllowed,
    ca: cert,
  })
  return {
    origin: `https://${name}:${port}`,
    port,
    access: guarded((address) => address === '127.0.0.1'),
    guarded,
    documents,
    redirects,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A document of a client, at this URL. */
export function documentOf(url: string, changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    client_id: url,
    client_name: 'A client with a document',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...changes,
  })
}
