import type { FhirOptions } from '../../config/fhir.ts'
import { fhirMcpError } from '../../errors.ts'
import { exchangeApiUrl } from '../../identity/exchange-api.ts'
import { type RequestFault, watchRequests } from '../../telemetry/exchange-request.ts'
import type { Meter } from '../../telemetry/meter.ts'
import { waitedForBytes } from '../bytes-in-flight.ts'
import { startDeadline } from '../deadline.ts'
import type { ExchangeCall } from '../exchange.ts'
import { createExchangePool } from '../pool.ts'

/** Reads the exchange's own API, beside FHIR. Only its studies and its list of codes are read there; patients never. */
export interface ApiReader {
  /**
   * The JSON of a path below the API. Throws FORBIDDEN for 403 and 404, EXCHANGE_REJECTED for any other answer that is
   * not JSON with status 200, EXCHANGE_TIMEOUT, EXCHANGE_UNAVAILABLE.
   */
  get(call: ExchangeCall, path: string): Promise<unknown>
  close(): Promise<void>
}

/** Opens the API that `fhir.apiUrl` names; by default `/api/v1` beside the FHIR base (`/FHIR/R5`). */
export function createApiReader(fhir: FhirOptions, meter?: Meter): ApiReader {
  const base = exchangeApiUrl(fhir)
  const pool = createExchangePool(new URL(base).origin, fhir)
  const watched = watchRequests(base, meter)
  return {
    async get(call, path) {
      const deadline = startDeadline(call.signal, fhir.timeout)
      const { signal } = deadline
      let counted = false
      let leave: (() => void) | undefined
      const bytes = call.bytes?.answer()
      const onSent = () => {
        if (!counted) call.onRequest?.()
        counted = true
      }
      try {
        const authorization = await call.credential.authorization(signal)
        const headers = {
          accept: 'application/json',
          'accept-encoding': 'gzip',
          ...(authorization === undefined ? {} : { authorization }),
        }
        const settings: RequestInit = { headers, signal, redirect: 'manual' }
        const dispatcher = pool.dispatcherFor({ signal, onSent, onReceived: call.onReceived, bytes })
        leave = await call.turn?.(signal)
        const answer = await watched(
          () => ({ method: 'GET', template: '/{api}', resend: 0 }),
          { statusOf: ({ status }) => status, faultOf: () => faultOf(call.signal, signal) },
          () => fetch(`${base}/${path}`, Object.assign(settings, { dispatcher })),
        )
        onSent()
        if (answer.status === 200) return await jsonOf(answer)
        await answer.body?.cancel()
        throw fhirMcpError(answer.status === 403 || answer.status === 404 ? 'FORBIDDEN' : 'EXCHANGE_REJECTED')
      } catch (thrown) {
        if (bytes?.isWaiting() && signal.aborted && !call.signal.aborted) throw waitedForBytes()
        deadline.throwIfOver()
        // fetch names the URL in what it throws.
        if (thrown instanceof TypeError) throw fhirMcpError('EXCHANGE_UNAVAILABLE')
        throw thrown
      } finally {
        leave?.()
        bytes?.drop()
        deadline.stop()
      }
    },
    close: () => pool.close(),
  }
}

function faultOf(caller: AbortSignal, deadline: AbortSignal): RequestFault {
  if (caller.aborted) return { status: undefined, code: undefined, end: 'aborted' }
  return deadline.aborted
    ? { status: undefined, code: 'FHIR_MCP_EXCHANGE_TIMEOUT', end: 'timeout' }
    : { status: undefined, code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE', end: 'failed' }
}

async function jsonOf(answer: Response): Promise<unknown> {
  const text = await answer.text()
  try {
    return JSON.parse(text)
  } catch {
    throw fhirMcpError('EXCHANGE_REJECTED', { detail: 'Its API answered with something that is not JSON.' })
  }
}
