import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startIssuer } from '../../src/test-kit/issuer.ts'
import { clientV1, overHttpV1 } from '../e2e/client-v1.ts'
import { startGatewayChild } from './gateway-child.ts'
import { claimsOf } from './people.ts'

/**
 * People who ask for very large pages at the same time, from a gateway with the memory flags that are shipped: how much memory it
 * has at most, and how long `/health` takes meanwhile. Ends with 1 where it is more than a container has, or where an answer is wrong.
 */
const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '3' },
    megabytes: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '2' },
  },
})
const megabyte = 1_048_576
const most = { resident: 768, health: 1000 }
const shipped = ['--max-old-space-size=512', '--max-semi-space-size=4']
const audience = 'https://gateway.example.org/mcp'

const exchange = fork(fileURLToPath(new URL('./large-exchange.js', import.meta.url)))
const started = once(exchange, 'message')
exchange.send({ pageBytes: Number(values.megabytes) * megabyte })
const { url } = z.object({ url: z.string() }).parse((await started)[0])
const issuer = await startIssuer()
const gateway = await startGatewayChild(
  {
    fhir: { baseUrl: url, dialect: 'hapi', credentials: 'none' },
    auth: { issuer: issuer.url, jwksUri: issuer.jwksUri, audience },
    audit: { sink: 'off' },
  },
  shipped,
)

const people = await Promise.all(
  Array.from({ length: Number(values.people) }, async (_, number) => {
    const token = await issuer.token({ sub: `person-${number}`, aud: audience, ...claimsOf(['study-a']) })
    const client = await clientV1(overHttpV1(`${gateway.origin}/mcp`, () => token))
    // The roster is read before, so that what is measured are the pages.
    await client.call('get_patient_demographics', { patient_id: 'pat-1' })
    return client
  }),
)
// The exchange makes its page once, before anything is measured.
await people[0]?.call('get_patient_observations', { patient_id: 'pat-1', limit: 100 })

let slowest = 0
let asking = true
const probing = (async () => {
  while (asking) {
    const began = performance.now()
    const { status } = await fetch(`${gateway.origin}/health`)
    slowest = Math.max(slowest, status === 200 ? performance.now() - began : Number.POSITIVE_INFINITY)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})()
const ends = new Map<string, number>()
const began = performance.now()
for (let round = 0; round < Number(values.rounds); round += 1) {
  await Promise.all(
    people.map(async (client) => {
      const end = await client.call('get_patient_observations', { patient_id: 'pat-1', limit: 100 }).then(
        ({ isError, text }) => (isError ? (text.split(':')[0] ?? '') : 'answered'),
        (thrown: unknown) => String(thrown).slice(0, 120),
      )
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }),
  )
}
const seconds = (performance.now() - began) / 1000
asking = false
await probing
const { peak } = await gateway.memory()
const resident = peak / megabyte
console.log(
  `${values.people} people, pages of ${values.megabytes} MB, ${values.rounds} rounds: ${seconds.toFixed(1)} s`,
)
console.log(`most resident: ${resident.toFixed(0)} MB (at most ${most.resident})`)
console.log(`slowest /health: ${slowest.toFixed(0)} ms (at most ${most.health})`)
console.log([...ends].map(([end, times]) => `${end}: ${times}`).join(', '))
await Promise.all(people.map((client) => client.close()))
await gateway.close()
exchange.kill()
await issuer.close()
const good = resident <= most.resident && slowest <= most.health && [...ends.keys()].join() === 'answered'
process.exit(good ? 0 : 1)
