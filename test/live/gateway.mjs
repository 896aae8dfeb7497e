// A gateway with broker and plugin as a process of its own, from the built package. The first message says how, each later one
// by how many milliseconds the clock of the broker is late; each is answered.
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import { fhirMcp } from '../../dist/plugins/index.js'
import { publicDocuments } from '../../dist/src/broker/guarded-fetch.js'
import { createBroker } from '../../dist/src/broker/plugin.js'

let late = 0
process.once('disconnect', () => process.exit())
process.once('message', async ({ options, fhirUrl, port }) => {
  const app = Fastify({ logger: true })
  const parts = { now: () => Date.now() + late, documents: publicDocuments }
  await app.register(fp(createBroker(parts), { name: 'broker' }), options)
  await app.register(fhirMcp, {
    publicUrl: options.publicUrl,
    fhir: { baseUrl: fhirUrl, credentials: 'held', dialect: 'jupyterhealth' },
    auth: { issuer: `${options.publicUrl}/oauth`, audience: `${options.publicUrl}/mcp` },
  })
  await app.listen({ port, host: '127.0.0.1' })
  process.on('message', (message) => {
    late = message.late
    process.send('done')
  })
  process.send('done')
})
