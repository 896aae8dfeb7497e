import { gunzip } from 'node:zlib'
import { type Dispatcher, Pool } from 'undici'
import { markNumbers } from './decimal-literals.ts'

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
  /** Called where the JSON of the answer has numbers that are marked, for `restoreNumbers`. */
  readonly onMarked?: () => void
  /** Called where the JSON of the answer may have control characters that FHIR forbids. */
  readonly onControls?: () => void
}

/** The connections to the exchange, and to nothing else: whatever URL is asked for, they lead to its origin. */
export interface ExchangePool {
  /** A dispatcher for one request, for `fetch`. A request fails with UnusableAnswer as its cause where one arrived. */
  dispatcherFor(request: PoolRequest): Dispatcher
  /** Ends the connections, after the requests in flight. */
  close(): Promise<void>
}

/**
 * Opens a pool. Numbers of JSON that parsing would change are marked on the way. An answer may have `maxResponseBytes`, packed and unpacked: the size is bounded here because `fetch` unpacks
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

/** What control characters begin with in JSON, and little else. */
const controls = ['\\u00', '\\b', '\\f'].map((begin) => Buffer.from(begin))

type Headers = Record<string, string | string[] | undefined>

function unpacking(
  handler: Dispatcher.DispatchHandler,
  request: PoolRequest,
  maxBytes: number,
): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let isPacked = false
  // Given on in one piece: whether it is whole, and what numbers are in it, is known at its end.
  const finish = (controller: Dispatcher.DispatchController, body: Buffer, trailers: Headers) => {
    const marked = markNumbers(body)
    if (marked !== body) request.onMarked?.()
    if (controls.some((begin) => marked.includes(begin))) request.onControls?.()
    if (marked.length > 0) handler.onResponseData?.(controller, marked)
    handler.onResponseEnd?.(controller, trailers)
  }
  return {
    onRequestStart(controller, context) {
      request.onSent()
      handler.onRequestStart?.(controller, context)
    },
    onResponseStart(controller, status, headers, statusText) {
      const encoding = encodingOf(headers)
      // Anything but gzip was not asked for, and fetch would unpack it without a limit.
      if (encoding !== 'identity' && encoding !== 'gzip') throw new UnusableAnswer(false)
      isPacked = encoding === 'gzip'
      const plain = withoutPacking(headers)
      controller.rawHeaders = rawHeadersOf(plain)
      handler.onResponseStart?.(controller, status, plain, statusText)
    },
    onResponseData(_, chunk) {
      request.onReceived?.(chunk.length)
      chunks.push(chunk)
    },
    onResponseEnd(controller, trailers) {
      const whole = Buffer.concat(chunks)
      if (!isPacked || whole.length === 0) {
        finish(controller, whole, trailers)
        return
      }
      gunzip(whole, { maxOutputLength: maxBytes }, (failure, body) => {
        if (request.signal.aborted) return
        if (failure === null) {
          finish(controller, body, trailers)
          return
        }
        const tooLarge = 'code' in failure && failure.code === 'ERR_BUFFER_TOO_LARGE'
        handler.onResponseError?.(controller, new UnusableAnswer(tooLarge))
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
