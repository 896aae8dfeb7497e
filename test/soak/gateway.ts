import Fastify from 'fastify'
import fhirMcp, { type FhirMcpOptions } from '../../plugins/index.ts'

/** The gateway of the soak, in a process of its own, so that its memory is measured alone. The first message is its options. */
process.once('disconnect', () => process.exit())
process.once('message', async (options: FhirMcpOptions) => {
  const app = Fastify()
  await app.register(fhirMcp, options)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  process.on('message', async (message) => {
    if (message === 'close') {
      app.server.closeAllConnections()
      await app.close()
      process.exit(0)
    }
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    process.send?.({ rss, heapUsed, peak: process.resourceUsage().maxRSS * 1024 })
  })
  process.send?.({ origin })
})
