import type { FastifyInstance } from 'fastify'
import type { MetricsOptions } from '../src/config/metrics.ts'
import type { Metrics } from '../src/telemetry/prometheus.ts'

/**
 * The metrics that the options ask for; undefined where they ask for none, and nothing is loaded then. The port is open from now
 * until the gateway closes. Throws CONFIG for a port that is taken.
 */
export async function openMetrics(
  fastify: FastifyInstance,
  { port, host, prefix, register }: MetricsOptions,
): Promise<Metrics | undefined> {
  if (port === undefined && register === undefined) return undefined
  const { createMetrics } = await import('../src/telemetry/prometheus.ts')
  const metrics = createMetrics({ prefix, register })
  fastify.addHook('onClose', async () => metrics.remove())
  if (port === undefined) return metrics
  const { listenForMetrics } = await import('../src/telemetry/metrics-listener.ts')
  const listener = await listenForMetrics(metrics.register, { host, port })
  fastify.addHook('onClose', () => listener.close())
  fastify.log.info(`metrics: ${listener.url}`)
  return metrics
}
