import { syntheticCast } from '../../src/demo/cast.ts'
import { startGateway } from '../../src/demo/gateway.ts'
import { type DemoIssuer, startDemoIssuer } from '../../src/demo/issuer.ts'
import { startExchange } from '../../src/test-kit/index.ts'
import { freePair } from './free-pair.ts'

/** The demo as `--serve` leaves it: exchange, issuer and gateway, on ports that outlive a restart. */
export interface RunningDemo {
  readonly mcpUrl: string
  readonly issuerUrl: string
  /** Requests that reached the exchange. */
  readonly sent: () => number
  /** Ends issuer and gateway and starts them anew, as the demo does: what they had in memory is gone. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startDemo({ foreignData = false } = {}): Promise<RunningDemo> {
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  const ports = await freePair()
  const mcpUrl = `http://127.0.0.1:${ports.gateway}/mcp`
  const { manager, viewer, stranger } = syntheticCast()

  const start = async (): Promise<[DemoIssuer, { close(): Promise<void> }]> => {
    const people = [manager, viewer, stranger]
    const issuer = await startDemoIssuer({ port: ports.issuer, resource: mcpUrl, people, foreignData })
    const { url } = issuer
    const gateway = await startGateway({
      port: ports.gateway,
      fhirUrl: exchange.url,
      issuer: url,
      audience: mcpUrl,
    })
    return [issuer, gateway]
  }

  let [issuer, gateway] = await start()
  const stop = async () => {
    await gateway.close()
    await issuer.close()
  }
  return {
    mcpUrl,
    issuerUrl: issuer.url,
    sent: () => exchange.count,
    async restart() {
      await stop()
      ;[issuer, gateway] = await start()
    },
    async close() {
      await stop()
      await exchange.close()
    },
  }
}
