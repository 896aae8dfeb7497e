import autocannon from 'autocannon'
import { Pool } from 'undici'
import { z } from 'zod'
import { defineRole } from './role.ts'

const target = z.object({ url: z.string(), headers: z.record(z.string(), z.string()), body: z.string() })

/** What many clients at once found: rate in calls per second, times in milliseconds. */
export const loadReport = z.object({
  rate: z.number(),
  p50: z.number(),
  p99: z.number(),
  errors: z.number(),
})

const cannonade = z.object({
  targets: z.array(target).min(1),
  connections: z.number(),
  seconds: z.number(),
})

/** A walk: each token calls in its turn, `concurrency` calls at once. */
const walk = z.object({
  origin: z.string(),
  tokens: z.array(z.string()),
  /** Bodies that go with each token, in the order of the tokens. */
  bodies: z.array(z.string()),
  concurrency: z.number(),
})

/** Load from a process of its own: autocannon, or one call after another with many tokens. */
export const loadRole = defineRole(z.object({}), async () => ({
  facts: null,
  commands: {
    cannon: async (given) => {
      const { targets, connections, seconds } = cannonade.parse(given)
      const each = Math.floor(connections / targets.length)
      const runs = await Promise.all(
        targets.map(({ url, headers, body }) =>
          autocannon({ url, headers, body, method: 'POST', connections: each, duration: seconds }),
        ),
      )
      return {
        rate: runs.reduce((sum, run) => sum + run['2xx'] / run.duration, 0),
        p50: Math.max(...runs.map((run) => run.latency.p50)),
        p99: Math.max(...runs.map((run) => run.latency.p99)),
        errors: runs.reduce((sum, run) => sum + run.errors + run.timeouts + run.non2xx, 0),
      }
    },
    walk: async (given) => {
      const { origin, tokens, bodies, concurrency } = walk.parse(given)
      const pool = new Pool(origin, { connections: concurrency })
      let next = 0
      let failed = 0
      const one = async () => {
        for (let index = next++; index < tokens.length; index = next++) {
          const answered = await pool.request({
            path: '/mcp',
            method: 'POST',
            headers: {
              authorization: `Bearer ${tokens[index]}`,
              accept: 'application/json, text/event-stream',
              'content-type': 'application/json',
            },
            body: bodies[index] ?? '',
          })
          await answered.body.dump()
          if (answered.statusCode !== 200) failed += 1
        }
      }
      await Promise.all(Array.from({ length: concurrency }, one))
      await pool.close()
      return failed
    },
  },
}))
