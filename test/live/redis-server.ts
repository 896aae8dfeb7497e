import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../src/demo/gateway.ts'

const program = '/usr/bin/redis-server'

/** Why there is no Redis to test with; undefined where there is. */
export const noRedis = existsSync(program) ? undefined : `${program} is not installed`

/** A Redis that keeps nothing on disk, on a loopback port: a free one, where none is given. */
export async function startRedis(at?: number): Promise<{ readonly url: string; close(): Promise<void> }> {
  const port = at ?? (await freePort())
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn(program, settings, { stdio: 'ignore', cwd: '/tmp' })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt === 100) throw new Error('redis-server does not start')
    await wait(50)
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      server.kill()
      await ended
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
