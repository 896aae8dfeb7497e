import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { choosePorts, usualPorts } from '../../src/demo/ports.ts'
import { freePair } from './free-pair.ts'

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Takes a port, unless another program has it already. */
function take(port: number): Promise<void> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve()).listen(port, '127.0.0.1', resolve)
    servers.push(server)
  })
}

describe('the ports of the demo', () => {
  it('are free ones without --serve, and the asked one and the next with --port', async () => {
    const { gateway, issuer, taken } = await choosePorts({ serve: false, asked: undefined })
    expect(gateway).not.toBe(issuer)
    expect(taken).toEqual([])
    const pair = await freePair()
    expect(await choosePorts({ serve: true, asked: String(pair.gateway) })).toEqual(pair)
    expect(pair.issuer).toBe(pair.gateway + 1)
  })

  it('are said to be taken when others have the usual ones, and free ones are used', async () => {
    await take(usualPorts.gateway)
    await take(usualPorts.issuer)
    const { gateway, issuer, taken } = await choosePorts({ serve: true, asked: undefined })
    expect(taken).toEqual([usualPorts.gateway, usualPorts.issuer])
    expect(new Set([gateway, issuer, ...taken]).size).toBe(4)
  })

  it('are refused by name when the asked one is taken, or is none', async () => {
    const { gateway: port } = await freePair()
    await take(port + 1)
    await expect(choosePorts({ serve: true, asked: String(port) })).rejects.toThrow(`port ${port + 1}`)
    for (const asked of ['0', '65535', '1e3', 'http', '-1']) {
      await expect(choosePorts({ serve: true, asked })).rejects.toThrow(`--port ${asked} is not a port`)
    }
  })
})
