import { type LookupAddress, lookup as resolveName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, fetch } from 'undici'
import { isPublicAddress } from './public-address.ts'

/** Looks a name up, as `dns.lookup` does with `all`. */
export type Resolve = (
  name: string,
  answered: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void

/** What the fetch of documents that strangers name leans on. */
export interface DocumentAccess {
  readonly resolve: Resolve
  readonly isAllowed: (address: string) => boolean
  /** Certificates that are trusted in place of the system's. */
  readonly ca?: string
}

/** The names of the system, public addresses alone. */
export const publicDocuments: DocumentAccess = {
  resolve: (name, answered) => resolveName(name, { all: true }, answered),
  isAllowed: isPublicAddress,
}

/** `fetch` for documents that strangers name. */
export type GuardedFetch = (url: string | URL, options?: RequestInit) => Promise<Response>

/** Milliseconds for a document, from the first step to its last byte. */
const longest = 4000

/**
 * Makes a fetch for documents that strangers name: `https` alone, no redirect, at most `maxBytes`, and only from addresses that
 * are allowed. The address that was checked is the one that is connected to: the name is not looked up a second time. Rejects
 * with a TypeError.
 */
export function createGuardedFetch(access: DocumentAccess, maxBytes: number): GuardedFetch {
  const lookup: LookupFunction = (name, { all }, callback) => {
    access.resolve(name, (error, addresses) => {
      const [first] = addresses
      if (error !== null || first === undefined) return callback(error ?? refusal(), '', 0)
      // One address among several that is not allowed is enough: somebody tries something.
      if (!addresses.every(({ address }) => access.isAllowed(address))) return callback(refusal(), '', 0)
      return all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family)
    })
  }
  const dispatcher = new Agent({
    connect: { lookup, timeout: longest, ...(access.ca === undefined ? {} : { ca: access.ca }) },
    headersTimeout: longest,
    bodyTimeout: longest,
    maxResponseSize: maxBytes,
    pipelining: 0,
  })
  return async (address, options) => {
    const url = new URL(address)
    if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') throw refusal()
    const host = url.hostname.replace(/^\[|\]$/g, '')
    // An address needs no lookup, so it is checked here.
    if (isIP(host) !== 0 && !access.isAllowed(host)) throw refusal()
    const signals = [AbortSignal.timeout(longest), options?.signal].filter(
      (one) => one instanceof AbortSignal,
    )
    const answer = await fetch(url, {
      method: options?.method ?? 'GET',
      headers: { accept: 'application/json' },
      redirect: 'manual',
      dispatcher,
      signal: AbortSignal.any(signals),
    })
    const body = answer.status === 200 ? await answer.arrayBuffer() : null
    const type = answer.headers.get('content-type') ?? 'application/octet-stream'
    const kept = answer.headers.get('cache-control')
    const headers = { 'content-type': type, ...(kept === null ? {} : { 'cache-control': kept }) }
    return new Response(body, { status: answer.status === 200 ? 200 : 502, headers })
  }
}

function refusal(): TypeError {
  return new TypeError('this address is not fetched from')
}
