import { gunzip } from 'node:zlib'
import { type Dispatcher, Pool } from 'undici'

/** An answer that arrived and cannot be used: too large once unpacked, or not packed as was asked. */
export class UnusableAnswer extends Error {
  readonly tooLarge: boolean

  constructor(tooLarge: boolean) {
    super('unusable answer')
    this.name = 'UnusableAnswer'
    this.tooLarge = tooLarge
  }
}

/** What belongs to one request on the pool. */
export interface PoolRequest {
  /** Ends the request; an answer that is still being unpacked is dropped. */
  readonly signal: AbortSignal
  /** Called when the request is handed to a connection. */
  readonly onSent: () => void
  /** Called with the bytes of each piece of the answer, packed as they are. */
  readonly onReceived?: ((bytes: number) => void) | undefined
}

/** The connections to the exchange, and to nothing else: whatever URL is asked for, they lead to its origin. */
export interface ExchangePool {
  /** A dispatcher for one request, for `fetch`. A request fails with UnusableAnswer as its cause where one arrived. */
  dispatcherFor(request: PoolRequest): Dispatcher
  /** Ends the connections, after the requests in flight. */
  close(): Promise<void>
}

/**
 * Opens a pool. An answer may have `maxResponseBytes`, packed and unpacked: the size is bounded here because `fetch` unpacks
 * without a limit, and takes a gzip body that was cut off for a whole one.
 */
export function createExchangePool(
  origin: string,
  options: { readonly connections: number; readonly maxResponseBytes: number },
): ExchangePool {
  const pool = new Pool(origin, {
    connections: options.connections,
    maxResponseSize: options.maxResponseBytes,
    // The client has one deadline for all of a question, and aborts.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  let closing: Promise<void> | undefined
  return {
    dispatcherFor(request) {
      return pool.compose(
        (dispatch) => (dispatchOptions, handler) =>
          dispatch(dispatchOptions, unpacking(handler, request, options.maxResponseBytes)),
      )
    },
    close() {
      closing ??= pool.close()
      return closing
    },
  }
}

type Headers = Record<string, string | string[] | undefined>

function unpacking(
  handler: Dispatcher.DispatchHandler,
  request: PoolRequest,
  maxBytes: number,
): Dispatcher.DispatchHandler {
  let packed: Buffer[] | undefined
  return {
    onRequestStart(controller, context) {
      request.onSent()
      handler.onRequestStart?.(controller, context)
    },
    onResponseStart(controller, status, headers, statusText) {
      const encoding = encodingOf(headers)
      if (encoding === 'identity') {
        handler.onResponseStart?.(controller, status, headers, statusText)
        return
      }
      // Anything but gzip was not asked for, and fetch would unpack it without a limit.
      if (encoding !== 'gzip') throw new UnusableAnswer(false)
      packed = []
      const plain = withoutPacking(headers)
      controller.rawHeaders = rawHeadersOf(plain)
      handler.onResponseStart?.(controller, status, plain, statusText)
    },
    onResponseData(controller, chunk) {
      request.onReceived?.(chunk.length)
      if (packed === undefined) handler.onResponseData?.(controller, chunk)
      else packed.push(chunk)
    },
    onResponseEnd(controller, trailers) {
      if (packed === undefined || packed.length === 0) {
        handler.onResponseEnd?.(controller, trailers)
        return
      }
      gunzip(Buffer.concat(packed), { maxOutputLength: maxBytes }, (failure, body) => {
        if (request.signal.aborted) return
        if (failure !== null) {
          const tooLarge = 'code' in failure && failure.code === 'ERR_BUFFER_TOO_LARGE'
          handler.onResponseError?.(controller, new UnusableAnswer(tooLarge))
          return
        }
        handler.onResponseData?.(controller, body)
        handler.onResponseEnd?.(controller, trailers)
      })
    },
    onResponseError(controller, error) {
      handler.onResponseError?.(controller, error)
    },
  }
}

function encodingOf(headers: Headers): string {
  const encodings = [headers['content-encoding'] ?? 'identity'].flat().join(',').trim().toLowerCase()
  if (encodings === '') return 'identity'
  return encodings === 'x-gzip' ? 'gzip' : encodings
}

function withoutPacking(headers: Headers): Headers {
  const { 'content-encoding': _encoding, 'content-length': _length, ...plain } = headers
  return plain
}

function rawHeadersOf(headers: Headers): Buffer[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().flatMap((value) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]),
  )
}
