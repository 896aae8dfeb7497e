// @ts-check
// Spans, a line each, to the terminal. With @opentelemetry/sdk-node, which sends them to a collector, this file is
// `new NodeSDK({ instrumentations: [instrumentation] }).start()`.
import { AsyncLocalStorage } from 'node:async_hooks'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** @type {AsyncLocalStorage<import('@opentelemetry/api').Context>} */
const contexts = new AsyncLocalStorage()
/** @type {import('@opentelemetry/api').ContextManager} */
const manager = {
  active: () => contexts.getStore() ?? ROOT_CONTEXT,
  with: (active, run, self, ...given) => contexts.run(active, () => run.call(self, ...given)),
  bind: (_, target) => target,
  enable: () => manager,
  disable: () => manager,
}
context.setGlobalContextManager(manager)

/** @type {import('@opentelemetry/sdk-trace-base').SpanExporter} */
const terminal = {
  export(spans, done) {
    for (const { name, attributes } of spans) console.log('span', name, JSON.stringify(attributes))
    done({ code: 0 })
  },
  shutdown: async () => {},
}
export const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(terminal)] })
trace.setGlobalTracerProvider(provider)

/** Fastify's own: a span for each request, around those of the plugin. */
export const instrumentation = new FastifyOtelInstrumentation({
  instrumentHooks: false,
  instrumentHandler: false,
  // By itself it puts the whole URL there, and the query of a sign-in holds its code.
  requestHook: (span, request) => span.setAttribute('url.path', request.url.split('?')[0] ?? ''),
})
instrumentation.setTracerProvider(provider)
