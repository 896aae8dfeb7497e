import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { FhirMcpOptions } from '../../plugins/index.ts'

const memorySchema = z.object({ rss: z.number(), heapUsed: z.number(), peak: z.number() })
/** Memory of the gateway after a collection, in bytes; `peak` is the most that was ever resident. */
export type Memory = z.output<typeof memorySchema>

/** The gateway, as a process of its own. */
export interface GatewayChild {
  readonly origin: string
  memory(): Promise<Memory>
  /** Closes it as a gateway is closed, so that everything is written. */
  close(): Promise<void>
}

/** Starts it, with these flags of Node.js. */
export async function startGatewayChild(
  options: FhirMcpOptions,
  flags: readonly string[] = [],
): Promise<GatewayChild> {
  const child = fork(fileURLToPath(new URL('./gateway.js', import.meta.url)), [], {
    execArgv: ['--expose-gc', ...flags],
  })
  const gone = once(child, 'exit')
  const tell = async (message: object | string): Promise<unknown> => {
    const answered = once(child, 'message')
    child.send(message)
    const ended = gone.then(() => Promise.reject(new Error('the gateway ended')))
    const [answer]: unknown[] = await Promise.race([answered, ended])
    return answer
  }
  const { origin } = z.object({ origin: z.string() }).parse(await tell(options))
  return {
    origin,
    memory: async () => memorySchema.parse(await tell('memory')),
    async close() {
      child.send('close')
      await gone
    },
  }
}
