import { createServer } from 'node:net'
import { freePort } from './gateway.ts'

/** Where `--serve` is found each time, so that what clients have kept stays good. */
export const usualPorts = { gateway: 8765, issuer: 8766 } as const

/** Loopback ports of the demo. */
export interface Ports {
  readonly gateway: number
  readonly issuer: number
  /** Which of the usual ports another program has. */
  readonly taken: readonly number[]
}

/**
 * Chooses the ports: with `asked` that one and the next, with `serve` the usual ones or free ones in place of those that are
 * taken, else free ones. Throws when `asked` is no port, or taken.
 */
export async function choosePorts(options: {
  readonly serve: boolean
  readonly asked: string | undefined
}): Promise<Ports> {
  if (options.asked !== undefined) return askedPorts(options.asked)
  if (!options.serve) {
    const gateway = await freePort()
    return { gateway, issuer: await freePortBut(gateway), taken: [] }
  }
  const taken: number[] = []
  for (const port of Object.values(usualPorts)) if (!(await isFree(port))) taken.push(port)
  const gateway = taken.includes(usualPorts.gateway)
    ? await freePortBut(usualPorts.issuer)
    : usualPorts.gateway
  const issuer = taken.includes(usualPorts.issuer) ? await freePortBut(gateway) : usualPorts.issuer
  return { gateway, issuer, taken }
}

async function askedPorts(asked: string): Promise<Ports> {
  const gateway = Number(asked)
  if (!/^\d+$/.test(asked) || gateway < 1 || gateway > 65_534) {
    throw new Error(`--port ${asked} is not a port from 1 to 65534`)
  }
  const issuer = gateway + 1
  for (const port of [gateway, issuer]) {
    if (!(await isFree(port))) {
      throw new Error(
        `port ${port} cannot be used: another program has it, or it is reserved (--port N takes N and N+1)`,
      )
    }
  }
  return { gateway, issuer, taken: [] }
}

async function freePortBut(other: number): Promise<number> {
  const port = await freePort()
  return port === other ? freePortBut(other) : port
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  } catch {
    return false
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}
