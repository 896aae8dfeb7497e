import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type ChildRequest, type RoleName, replySchema } from './wire.ts'

/** A child process that runs. */
export interface Child<Facts> {
  readonly facts: Facts
  /** Asks it something; what it answers is held against a schema. */
  ask<Answer>(command: string, answer: z.ZodType<Answer>, given?: unknown): Promise<Answer>
  /** Processor time that it took until now, in microseconds. */
  cpu(): Promise<number>
  /** Its resident memory, in bytes. */
  memory(): Promise<number>
  stop(): Promise<void>
}

/** Starts a child process in a role. Throws when it ends before it is ready; `flags` are Node's own. */
export async function startChild<Facts>(
  role: RoleName,
  config: unknown,
  facts: z.ZodType<Facts>,
  flags: readonly string[] = [],
): Promise<Child<Facts>> {
  const profiled = process.env.BENCH_CPU_PROFILE === role ? ['--cpu-prof'] : []
  const forked = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [], {
    execArgv: [...flags, ...profiled],
    serialization: 'advanced',
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const ended = new Promise<void>((resolve) => {
    forked.once('exit', () => {
      for (const { reject } of waiting.values()) reject(new Error(`The ${role} process ended`))
      resolve()
    })
  })
  forked.on('message', (message) => {
    const { id, value } = replySchema.parse(message)
    waiting.get(id)?.resolve(value)
    waiting.delete(id)
  })
  let last = 0
  const say = (request: (id: number) => ChildRequest) =>
    new Promise<unknown>((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      forked.send(request(last))
    })
  const ask: Child<Facts>['ask'] = async (command, answer, given) =>
    answer.parse(await say((id) => ({ kind: 'ask', id, command, given })))
  const ready = facts.parse(await say((id) => ({ kind: 'start', id, role, config })))
  return {
    facts: ready,
    ask,
    cpu: () => ask('cpu', z.number()),
    memory: () => ask('memory', z.number()),
    async stop() {
      if (forked.connected) forked.disconnect()
      await ended
    },
  }
}
