import { describe, expect, it, onTestFinished } from 'vitest'
import { connectHttp } from '../e2e/clients.ts'
import { cursorOf } from '../e2e/scenarios.ts'
import { noRedis, startRedis } from '../live/redis-server.ts'
import { startGatewayOf } from './example.ts'
import { standInHere } from './stand-in.ts'

/** Two processes over one Redis, each with its key for cursors. */
async function startInstances(keys: readonly [number, number], more: Readonly<Record<string, string>> = {}) {
  const [redis, variables] = await Promise.all([startRedis(), standInHere()])
  onTestFinished(() => redis.close())
  const instances = await Promise.all(
    keys.map((key) => {
      const cursors = { CURSOR_KEY: Buffer.alloc(32, key).toString('base64url') }
      return startGatewayOf('instances/instance.js', {
        ...variables,
        ...cursors,
        REDIS_URL: redis.url,
        ...more,
      })
    }),
  )
  const clients = await Promise.all(
    instances.map(({ origin }) => connectHttp(`${origin}/mcp`, variables.FHIR_MCP_ACCESS_TOKEN)),
  )
  onTestFinished(async () => {
    for (const client of clients) await client.close()
  })
  const [one, other] = clients
  if (one === undefined || other === undefined) throw new TypeError('two instances were started')
  return { one, other }
}

describe('the example of several instances', () => {
  it.skipIf(noRedis)('goes on in one process with a page of another, and counts calls together', async () => {
    const { one, other } = await startInstances([7, 7], { CALLS_PER_MINUTE: '4' })
    const first = await one.call('list_study_patients', { study_id: 'study-a', limit: 2 })
    const cursor = cursorOf(first)
    expect(cursor).toBeDefined()
    const next = await other.call('list_study_patients', { study_id: 'study-a', limit: 2, cursor })
    expect(next.isError, next.text).toBe(false)
    expect(next.text).not.toBe(first.text)
    await one.call('get_study_count')
    await other.call('get_study_count')
    for (const client of [one, other]) {
      expect((await client.call('get_study_count')).text).toContain('FHIR_MCP_RATE_LIMITED')
    }
  })

  it.skipIf(noRedis)(
    'the control: with another key in each, a page ends in the process that gave it',
    async () => {
      const { one, other: foreign } = await startInstances([7, 8])
      const cursor = cursorOf(await one.call('list_study_patients', { study_id: 'study-a', limit: 2 }))
      const next = await foreign.call('list_study_patients', { study_id: 'study-a', limit: 2, cursor })
      expect(next.text).toContain('FHIR_MCP_INVALID_ARGUMENT')
    },
  )
})
