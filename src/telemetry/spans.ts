import {
  context,
  createContextKey,
  isSpanContextValid,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { type ErrorCode, isFhirMcpError } from '../errors.ts'

/** What a span may be told. */
export type OpenSpan = Pick<Span, 'setAttribute' | 'setAttributes' | 'setStatus' | 'updateName'>

/** How something ended that did not go well: `type` for `error.type`, and our code where there is one. */
export interface SpanFailure {
  readonly type: string
  readonly code: ErrorCode | undefined
}

const tracer = trace.getTracer('fastify-fhir-mcp')
const client: SpanOptions = { kind: SpanKind.CLIENT }

/**
 * The key by which the SDK of OpenTelemetry keeps everybody from making spans (`suppressTracing` of `@opentelemetry/core`).
 * The API finds keys by their description.
 */
const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/**
 * Runs something within a span below the active one. Where no SDK is registered, or its sampler does not want the span, `run`
 * gets none, so that nothing is made for it. What is thrown becomes the span's status by its code alone: never a message.
 */
export async function inSpan<T>(name: string, run: (span?: OpenSpan) => Promise<T>): Promise<T> {
  return within(tracer.startSpan(name), run, failureOf)
}

/** The same for work that does not wait. */
export function inSyncSpan<T>(name: string, run: (span?: OpenSpan) => T): T {
  const span = tracer.startSpan(name)
  if (!span.isRecording()) return run()
  try {
    return run(span)
  } catch (thrown) {
    markFailed(span, failureOf(thrown))
    throw thrown
  } finally {
    span.end()
  }
}

/**
 * The same for a request to the exchange (kind CLIENT), within which nobody else makes spans: instrumentation of `fetch` would
 * put its URL, and with it ids and search terms, into attributes.
 */
export async function inRequestSpan<T>(
  name: string,
  run: (span?: OpenSpan) => Promise<T>,
  failed: (thrown: unknown) => SpanFailure,
): Promise<T> {
  const span = tracer.startSpan(name, client)
  if (!isSpanContextValid(span.spanContext())) return run()
  const alone = (open?: OpenSpan) =>
    context.with(context.active().setValue(suppressed, true), () => run(open))
  return within(span, alone, failed)
}

/** Tells the active span something that its code does not see. */
export function noteOnSpan(name: string, value: string): void {
  trace.getActiveSpan()?.setAttribute(name, value)
}

async function within<T>(
  span: Span,
  run: (span?: OpenSpan) => Promise<T>,
  failed: (thrown: unknown) => SpanFailure,
): Promise<T> {
  if (!span.isRecording()) {
    // No SDK. A span that a sampler did not want has a context all the same, and what is below it is not wanted either.
    if (!isSpanContextValid(span.spanContext())) return run()
    return context.with(trace.setSpan(context.active(), span), run)
  }
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await run(span)
    } catch (thrown) {
      markFailed(span, failed(thrown))
      throw thrown
    } finally {
      span.end()
    }
  })
}

/** Marks a span as failed: its status says our code, and nothing of what was thrown. */
export function markFailed(span: OpenSpan, { type, code }: SpanFailure): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, ...(code === undefined ? {} : { message: code }) })
}

function failureOf(thrown: unknown): SpanFailure {
  if (isFhirMcpError(thrown)) return { type: thrown.code, code: thrown.code }
  const aborted = thrown instanceof Error && thrown.name === 'AbortError'
  return { type: aborted ? 'aborted' : 'fault', code: undefined }
}
