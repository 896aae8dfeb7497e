import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Dispatcher, Pool } from 'undici'
import { giveWay } from '../give-way.ts'
import { parseBundle } from './bundle-slices.ts'
import type { AnswerBytes } from './bytes-in-flight.ts'
import { markNumbers } from './decimal-literals.ts'

const unpacked = promisify(gunzip)

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
  /** Takes a large answer that was read here, entry by entry; the body is an empty object then. */
  readonly onParsed?: (answer: object) => void
  /** What the answer may take of memory; it is read on when there is room. */
  readonly bytes?: AnswerBytes | undefined
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

/** From so many bytes on the work on an answer gives way to others in between. */
const large = 1_048_576

function unpacking(
  handler: Dispatcher.DispatchHandler,
  request: PoolRequest,
  maxBytes: number,
): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let isPacked = false
  let isWell = false
  let received = 0
  // Given on in one piece: whether it is whole, and what numbers are in it, is known at its end.
  const finish = async (controller: Dispatcher.DispatchController, body: Buffer, trailers: Headers) => {
    const isLarge = body.length > large
    if (isLarge) await giveWay()
    const marked = markNumbers(body)
    if (marked !== body) request.onMarked?.()
    if (controls.some((begin) => marked.includes(begin))) request.onControls?.()
    if (isLarge) await giveWay()
    const parsed = isLarge && isWell && request.onParsed ? await parseBundle(marked) : undefined
    if (request.signal.aborted) return
    if (parsed !== undefined) request.onParsed?.(parsed)
    const given = parsed === undefined ? marked : Buffer.from('{}')
    if (given.length > 0) handler.onResponseData?.(controller, given)
    handler.onResponseEnd?.(controller, trailers)
  }
  const room = (bytes: number) =>
    new Promise<void>((resolve) => {
      if (request.bytes?.take(bytes, resolve) ?? true) resolve()
    })
  const readOnWhenRoom = (controller: Dispatcher.DispatchController, bytes: number) => {
    const there = request.bytes?.take(bytes, () => controller.resume()) ?? true
    if (!there) controller.pause()
  }
  const unpack = async (whole: Buffer, most: number): Promise<Buffer> => {
    await room(most)
    return unpacked(whole, { maxOutputLength: most })
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
      isWell = status === 200
      const plain = withoutPacking(headers)
      controller.rawHeaders = rawHeadersOf(plain)
      readOnWhenRoom(controller, Math.min(Number(headers['content-length'] ?? 0) || 0, maxBytes))
      handler.onResponseStart?.(controller, status, plain, statusText)
    },
    onResponseData(controller, chunk) {
      request.onReceived?.(chunk.length)
      received += chunk.length
      chunks.push(chunk)
      readOnWhenRoom(controller, received)
    },
    onResponseEnd(controller, trailers) {
      const whole = Buffer.concat(chunks.splice(0))
      const body = isPacked && whole.length > 0 ? unpackedWithin(whole, maxBytes, unpack) : whole
      void (async () => {
        const plain = await body
        if (!request.signal.aborted) await finish(controller, plain, trailers)
      })().catch((thrown: unknown) => {
        if (request.signal.aborted) return
        handler.onResponseError?.(controller, new UnusableAnswer(isTooLarge(thrown)))
      })
    },
    onResponseError(controller, error) {
      handler.onResponseError?.(controller, error)
    },
  }
}

/**
 * Unpacks what has `maxBytes` at the most. The last four bytes say how much it is (RFC 1952 §2.3.1), so that no more room is asked for
 * than it needs; where they do not tell the truth, as with several members, it is asked for the most.
 */
async function unpackedWithin(
  whole: Buffer,
  maxBytes: number,
  unpack: (whole: Buffer, most: number) => Promise<Buffer>,
): Promise<Buffer> {
  const said = whole.length < 4 ? 0 : whole.readUInt32LE(whole.length - 4)
  const likely = Math.min(Math.max(said, 1), maxBytes)
  try {
    return await unpack(whole, likely)
  } catch (thrown) {
    if (likely === maxBytes || !isTooLarge(thrown)) throw thrown
    return unpack(whole, maxBytes)
  }
}

function isTooLarge(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE'
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
