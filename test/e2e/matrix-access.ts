import { expect, vi } from 'vitest'
import { patience } from '../patience.ts'
import type { Connection } from './clients.ts'
import type { MatrixScenario } from './matrix-scenario.ts'
import type { Setting } from './matrix-setting.ts'

/** Over HTTP of the older protocol a cancellation is a request of its own, which a stateless server cannot match. */
const cancels = ({ by, protocol }: Connection) => by !== 'http' || protocol === '2026-07-28'

/** Has the exchange hold every question for observations, and says how they fare. */
function holdObservations({ exchange }: Setting) {
  exchange.reset()
  const isOne = ({ path }: { path: string }) => path.startsWith('/fhir/Observation')
  exchange.misbehave((request) =>
    isOne(request) ? { kind: 'hold', until: new Promise(() => undefined) } : undefined,
  )
  const asked = () => exchange.requests.filter(isOne)
  return {
    arrived: () => vi.waitFor(() => expect(asked()).toHaveLength(1), patience),
    aborted: () => vi.waitFor(() => expect(asked()[0]?.aborted).toBe(true), patience),
    stillHeld: () => expect(asked()[0]?.aborted).toBe(false),
  }
}

/** How a call goes on and ends, and who may make it. */
export const accessScenarios: readonly MatrixScenario[] = [
  {
    title: 'sees the progress of a long call',
    verifies: ['progress'],
    async play({ client }) {
      const seen: unknown[] = []
      const onprogress = ({ progress, total }: { progress: number; total?: number | undefined }) =>
        void seen.push([progress, total])
      const asked = { study_id: 'study-a', by_patient: true }
      const called = await client.call('count_study_observations', asked, { onprogress })
      expect(called.isError).toBe(false)
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => [done, 7]))
    },
  },
  {
    title: 'cancels a call, and with it the request to the exchange',
    verifies: ['cancellation:request'],
    on: cancels,
    async play(setting) {
      const held = holdObservations(setting)
      const cancelling = new AbortController()
      const asked = { patient_id: 'pat-1' }
      const calling = setting.client.call('get_patient_observations', asked, { signal: cancelling.signal })
      const refused = expect(calling).rejects.toThrow()
      await held.arrived()
      held.stillHeld()
      cancelling.abort()
      await refused
      await held.aborted()
      setting.exchange.reset()
      expect((await setting.client.call('get_study_count')).isError).toBe(false)
    },
  },
  {
    title: 'goes away, and with it the request to the exchange',
    verifies: ['cancellation:gone'],
    async play(setting) {
      const bearer = await setting.token()
      const client = await setting.connectAs(() => bearer)
      const held = holdObservations(setting)
      const calling = client.call('get_patient_observations', { patient_id: 'pat-1' }).catch(() => undefined)
      await held.arrived()
      held.stillHeld()
      await client.close()
      await calling
      await held.aborted()
      setting.exchange.reset()
    },
  },
  {
    title: 'is refused what its token does not permit, without a request',
    verifies: ['access:forbidden'],
    async play({ client, exchange }) {
      const demographics = (id: string) => client.call('get_patient_demographics', { patient_id: id })
      await demographics('pat-4')
      exchange.reset()
      const [forbidden, unknown] = [await demographics('pat-10'), await demographics('no-such-patient')]
      expect(forbidden.isError).toBe(true)
      expect(forbidden).toEqual(unknown)
      expect(exchange.requests).toEqual([])
      await demographics('pat-4')
      expect(exchange.requests).toHaveLength(1)
    },
  },
  {
    title: 'is refused a call that lacks scopes, without a request',
    verifies: ['access:scope'],
    async play({ connection, connectAs, token, exchange }) {
      const narrow = await token({ scope: 'user/ResearchStudy.rs' })
      const client = await connectAs(() => narrow)
      expect((await client.call('get_study_metadata', { study_id: 'study-a' })).isError).toBe(false)
      exchange.reset()
      const calling = client.call('get_patient_observations', { patient_id: 'pat-1' })
      if (connection.by === 'http') {
        expect(String(await calling.catch((thrown: unknown) => thrown))).toMatch(/insufficient.scope/i)
      } else {
        const called = await calling
        expect(called.isError).toBe(true)
        expect(called.text).toContain('FHIR_MCP_INSUFFICIENT_SCOPE')
      }
      expect(exchange.requests).toEqual([])
    },
  },
  {
    title: 'does not connect with a token that does not hold',
    verifies: ['access:token'],
    on: ({ by }) => by !== 'stdio',
    async play({ connectAs, token }) {
      const good = await token()
      await expect(connectAs(() => `${good.slice(0, -8)}AAAAAAAA`)).rejects.toThrow(
        /401|FHIR_MCP_TOKEN_INVALID/,
      )
      await expect(connectAs(() => 'none')).rejects.toThrow(/401|FHIR_MCP_TOKEN_INVALID/)
    },
  },
  {
    title: 'is refused once its token has expired, and goes on with a newer one',
    verifies: ['access:expiry'],
    async play({ connection, connectAs, token, exchange }) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
      try {
        let bearer = await token()
        const client = await connectAs(() => bearer)
        const listing = () => client.call('list_studies')
        expect((await listing()).isError).toBe(false)
        vi.setSystemTime(Date.now() + 11 * 60_000)
        exchange.reset()
        if (connection.by === 'stdio') {
          expect((await listing()).text).toContain('FHIR_MCP_TOKEN_EXPIRED')
        } else {
          await expect(listing()).rejects.toThrow('FHIR_MCP_TOKEN_EXPIRED')
        }
        expect(exchange.requests).toEqual([])
        bearer = await token()
        // The environment of a process does not change: over stdio a newer token is a newer process.
        const next = connection.by === 'stdio' ? await connectAs(() => bearer) : client
        expect((await next.call('list_studies')).isError).toBe(false)
      } finally {
        vi.useRealTimers()
      }
    },
  },
]
