import { z } from 'zod'
import type { Live } from '../frame/arguments.ts'
import { originFacts } from '../servers/gateway.ts'
import { relayLog } from '../servers/relay.ts'
import type { Subjects } from '../servers/site.ts'
import { startChild } from '../servers/spawn.ts'
import type { Stage } from '../servers/stage.ts'

/** What both servers stand in front of, and who asks ours. */
export interface PeerSite {
  /** Where the peer has to be pointed at: the FHIR base URL. */
  readonly exchangeUrl: string
  /** Our MCP endpoint, and the bearer that it takes. */
  readonly endpoint: string
  readonly token: string
  readonly subjects: Subjects
  /** Requests that reach the exchange while `work` runs. */
  requestsOf(work: () => Promise<unknown>): Promise<number>
  close(): Promise<void>
}

/** The local exchange, with a token of the bench's own issuer. */
export async function localPeerSite(stage: Stage, dialect: 'hapi' | 'jupyterhealth'): Promise<PeerSite> {
  const { exchange, gateway, subjects } = await stage.site(dialect)
  return {
    exchangeUrl: exchange.url,
    endpoint: `${gateway.facts.origin}/mcp`,
    token: await stage.token([subjects.study]),
    subjects,
    async requestsOf(work) {
      await exchange.reset()
      await work()
      return (await exchange.log())?.count ?? 0
    },
    close: async () => undefined,
  }
}

/**
 * A live JupyterHealth Exchange behind a relay that counts requests, and a gateway of ours as its users run it: it takes the
 * exchange's own token, reads from the exchange what that token may see, and passes it on. Default options, but no record of
 * calls, since the peer keeps none.
 */
export async function liveJupyterHealthSite(
  { url, token }: Live,
  port: number,
  subjects: Subjects,
): Promise<PeerSite> {
  if (token === undefined) throw new TypeError('--peer on a live exchange needs --exchange-token')
  const { origin, pathname } = new URL(url)
  const relay = await startChild('relay', { target: origin, port }, originFacts)
  const exchangeUrl = `${relay.facts.origin}${pathname}`
  const audience = 'bench'
  const options = {
    fhir: { baseUrl: exchangeUrl, credentials: 'forward', audience },
    auth: {
      issuer: `${origin}/o`,
      audience,
      userinfoUrl: `${relay.facts.origin}/o/userinfo/`,
      sources: ['userinfo', 'exchange'],
      allowTokensWithoutAudience: true,
    },
    audit: { sink: 'off' },
  }
  const gateway = await startChild('gateway', { options }, originFacts)
  return {
    exchangeUrl,
    endpoint: `${gateway.facts.origin}/mcp`,
    token,
    subjects,
    async requestsOf(work) {
      await relay.ask('reset', z.null())
      await work()
      return (await relay.ask('log', relayLog)).count
    },
    async close() {
      await Promise.all([gateway.stop(), relay.stop()])
    },
  }
}
