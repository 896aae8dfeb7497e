import { randomInt } from 'node:crypto'
import { choosePorts, type Ports } from '../../src/demo/ports.ts'

/**
 * Two ports that stay free between a stop and a start: below those that the system gives to whoever connects
 * (32768 on Linux, 49152 elsewhere).
 */
export async function freePair(): Promise<Ports> {
  for (;;) {
    const asked = String(randomInt(20_000, 32_000))
    const ports = await choosePorts({ serve: true, asked }).catch(() => undefined)
    if (ports !== undefined) return ports
  }
}
