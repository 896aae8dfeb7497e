import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { freePort } from '../../src/demo/gateway.ts'

const program = fileURLToPath(new URL('gateway.mjs', import.meta.url))

/** A gateway that is a process of its own. */
export interface GatewayProcess {
  readonly port: number
  /** Everything that it wrote so far. */
  output(): string
  /** Milliseconds by which the clock of its broker is late from now on. */
  beLate(milliseconds: number): Promise<void>
  /** Ends it at once (SIGKILL), and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts one, which listens when this resolves. It goes with this process. */
export async function startGatewayProcess(options: BrokerOptions, fhirUrl: string): Promise<GatewayProcess> {
  const port = await freePort()
  const child = fork(program, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: { PATH: process.env.PATH },
  })
  const gone = once(child, 'exit')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  async function tell(message: object): Promise<void> {
    const answered = once(child, 'message')
    child.send(message)
    await Promise.race([
      answered,
      gone.then(() => Promise.reject(new Error(`the gateway process ended: ${output}`))),
    ])
  }
  await tell({ options, fhirUrl, port })
  return {
    port,
    output: () => output,
    beLate: (late) => tell({ late }),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
