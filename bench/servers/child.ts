import type { Role, Running } from './role.ts'
import { type RoleName, requestSchema } from './wire.ts'

/** A process loads the role that it plays and no other: its memory and its start are measured. */
const roles: Readonly<Record<RoleName, () => Promise<Role>>> = {
  exchange: async () => (await import('./exchange.ts')).exchangeRole,
  gateway: async () => (await import('./gateway.ts')).gatewayRole,
  reference: async () => (await import('./reference.ts')).referenceRole,
  load: async () => (await import('./load.ts')).loadRole,
  rosters: async () => (await import('./rosters.ts')).rostersRole,
  relay: async () => (await import('./relay.ts')).relayRole,
}

/** What every child can be asked: how much of the processor it took (in microseconds), its resident memory, and
 * the heap in use (in bytes). */
const common: Running['commands'] = {
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  memory: () => process.memoryUsage.rss(),
  heap: () => process.memoryUsage().heapUsed,
}

let running: Running | undefined

async function answer(message: unknown): Promise<unknown> {
  const request = requestSchema.parse(message)
  if (request.kind === 'start') {
    const role = await roles[request.role]()
    running = await role.start(request.config)
    return { id: request.id, value: running.facts }
  }
  const command = running?.commands[request.command] ?? common[request.command]
  if (command === undefined) throw new TypeError(`No command ${request.command}`)
  return { id: request.id, value: (await command(request.given)) ?? null }
}

process.on('message', (message) => {
  answer(message).then(
    (reply) => process.send?.(reply),
    (thrown: unknown) => {
      console.error(thrown)
      process.exit(1)
    },
  )
})
// Whoever started it has gone, or is done with it.
process.on('disconnect', () => process.exit(0))
