import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

/** The SDK's own is a package of its own; this is all that it does. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT
  with: ContextManager['with'] = (active, run, self, ...given) =>
    this.#storage.run(active, () => run.call(self, ...given))
  bind: ContextManager['bind'] = (_, target) => target
  enable = () => this
  disable() {
    this.#storage.disable()
    return this
  }
}

/** What was traced. */
export interface Tracing {
  readonly provider: BasicTracerProvider
  /** All spans that have ended, in the order in which they began. */
  spans(): readonly ReadableSpan[]
  clear(): void
}

/** Registers an SDK that keeps its spans in memory, for all tests of a file. */
export function startTracing(sampler?: Sampler): Tracing {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncContexts())
  return {
    provider,
    spans: () =>
      exporter
        .getFinishedSpans()
        .map((span, place) => ({ span, place }))
        .sort((a, b) => nanoseconds(a.span) - nanoseconds(b.span) || a.place - b.place)
        .map(({ span }) => span),
    clear: () => exporter.reset(),
  }
}

/** The names of a span and of those that it is within, outermost first. */
export function pathOf(span: ReadableSpan, spans: readonly ReadableSpan[]): string[] {
  const above = spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId)
  return [...(above === undefined ? [] : pathOf(above, spans)), span.name]
}

function nanoseconds({ startTime: [seconds, rest] }: ReadableSpan): number {
  return seconds * 1e9 + rest
}
