import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'

/** A request that this process sent. */
export interface SentRequest {
  /** `http://127.0.0.1:8080` */
  readonly origin: string
  readonly method: string
  /** Path and query. */
  readonly path: string
}

/** Which requests are counted; by default all. Origins as `http://127.0.0.1:8080`. */
export interface CountOptions {
  /** Count only requests to these. */
  readonly only?: readonly string[]
  /** Count no requests to these, such as the gateway that the test's own client calls. */
  readonly except?: readonly string[]
}

/** A running count of the requests that this process sends. */
export interface NetworkCount {
  readonly count: number
  readonly requests: readonly SentRequest[]
  reset(): void
  /** Stops counting. */
  stop(): void
}

const undiciChannel = 'undici:request:create'
const httpChannel = 'http.client.request.start'

/**
 * Counts every HTTP request that this process sends, by the channels on which Node's own clients report: undici (its
 * `fetch` and the global one, `request`, pools) and `node:http`. Mocking libraries see only some of these, so a count of
 * zero here is the proof that nothing was sent; show in each suite, with one allowed call, that it does count.
 *
 * @example
 * const network = countNetwork({ except: [gatewayOrigin] })
 * await client.callTool({ name: 'get_patient_demographics', arguments: { patient_id: 'somebody-else' } })
 * expect(network.count).toBe(0)
 * network.stop()
 */
export function countNetwork(options: CountOptions = {}): NetworkCount {
  let requests: SentRequest[] = []
  const note = (sent: SentRequest) => {
    if (options.only !== undefined && !options.only.includes(sent.origin)) return
    if (options.except?.includes(sent.origin)) return
    requests.push(sent)
  }
  const onUndici = (message: unknown) => {
    const { request } = message as { request: { origin: unknown; method: string; path: string } }
    note({ origin: String(request.origin), method: request.method, path: request.path })
  }
  const onHttp = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    const origin = new URL(`${request.protocol}//${request.getHeader('host') ?? request.host}`).origin
    note({ origin, method: request.method, path: request.path })
  }
  subscribe(undiciChannel, onUndici)
  subscribe(httpChannel, onHttp)
  return {
    get count() {
      return requests.length
    },
    get requests() {
      return requests
    },
    reset() {
      requests = []
    },
    stop() {
      unsubscribe(undiciChannel, onUndici)
      unsubscribe(httpChannel, onHttp)
    },
  }
}
