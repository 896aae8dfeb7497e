import { fhirMcpError } from '../errors.ts'
import type { ExchangeCall } from './exchange.ts'

/**
 * Asks for something that has to be answered within so many milliseconds of being sent; its wait for a connection does not count.
 * Throws EXCHANGE_TIMEOUT, and the caller's own reason after its abort.
 */
export async function withinTime<T>(
  call: ExchangeCall,
  milliseconds: number,
  ask: (call: ExchangeCall) => Promise<T>,
): Promise<T> {
  call.signal.throwIfAborted()
  const end = new AbortController()
  const abort = () => end.abort()
  let timer: ReturnType<typeof setTimeout> | undefined
  let late = false
  const onRequest = () => {
    call.onRequest?.()
    clearTimeout(timer)
    timer = setTimeout(() => {
      late = true
      end.abort()
    }, milliseconds)
  }
  call.signal.addEventListener('abort', abort, { once: true })
  try {
    return await ask({ ...call, signal: end.signal, onRequest })
  } catch (thrown) {
    call.signal.throwIfAborted()
    throw late ? fhirMcpError('EXCHANGE_TIMEOUT') : thrown
  } finally {
    clearTimeout(timer)
    call.signal.removeEventListener('abort', abort)
  }
}
