import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { AuditStatus } from '../audit/record.ts'
import { fhirMcpError } from '../errors.ts'
import type { KeptRosters, Meter } from './meter.ts'

/** What is looked at only when somebody asks for the metrics. */
export interface Gauged {
  auditStatus(): AuditStatus
  /** Whether requests are refused for load. */
  isOverloaded(): boolean
}

/** Metrics of one registration. */
export interface Metrics {
  readonly meter: Meter
  /** The text that Prometheus reads, and its media type. */
  readonly register: Pick<Registry, 'metrics' | 'contentType'>
  watch(gauged: Gauged): void
  /** Takes the metrics out of the registry. */
  remove(): void
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Makes the metrics of one registration, in a gateway's registry where one is given, otherwise in one of their own together with
 * those of the process. Throws CONFIG where names are taken in that registry.
 */
export function createMetrics({
  prefix,
  register: given,
}: {
  prefix: string
  register?: Registry | undefined
}): Metrics {
  const register = given ?? new Registry()
  const names: string[] = []
  let gauged: Gauged | undefined
  let rosters: (() => KeptRosters) | undefined

  function named(name: string, help: string) {
    const whole = `${prefix}${name}`
    if (register.getSingleMetric(whole) !== undefined) {
      const detail = `metrics.prefix: the name ${whole} is taken in that register.`
      throw fhirMcpError('CONFIG', { detail })
    }
    names.push(whole)
    return { name: whole, help, registers: [register] }
  }

  /** A counter whose number somebody else keeps. */
  function mirrored(name: string, help: string, read: (status: AuditStatus) => number): void {
    new Counter({
      ...named(name, help),
      collect() {
        this.reset()
        this.inc(gauged === undefined ? 0 : read(gauged.auditStatus()))
      },
    })
  }

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...named(name, help),
      collect() {
        this.set(read())
      },
    })
  }

  const calls = new Counter({
    ...named('calls_total', 'Calls of tools, reads of resources and completions, by how they ended'),
    labelNames: ['kind', 'name', 'outcome'] as const,
  })
  const denials = new Counter({
    ...named('denials_total', 'Calls that the caller may not make, by code'),
    labelNames: ['code'] as const,
  })
  const failures = new Counter({
    ...named('failures_total', 'Calls that failed, by code; none: aborted by the caller, or a fault'),
    labelNames: ['code'] as const,
  })
  const durations = new Histogram({
    ...named('call_duration_seconds', 'How long calls took, without their wait for a turn'),
    labelNames: ['kind', 'name'] as const,
    buckets: seconds,
  })
  const tokens = new Counter({
    ...named('tokens_refused_total', 'Tokens that were presented and not accepted, by code'),
    labelNames: ['code'] as const,
  })
  const requests = new Histogram({
    ...named('exchange_request_duration_seconds', 'Requests to the exchange, by class of status'),
    labelNames: ['status'] as const,
    buckets: seconds,
  })
  const received = new Counter(
    named('exchange_received_bytes_total', 'Bytes of bodies that the exchange answered'),
  )
  const lookups = new Counter({
    ...named('cache_lookups_total', 'What was looked for in a cache, and whether it was there'),
    labelNames: ['cache', 'result'] as const,
  })
  const limits = new Counter({
    ...named('limited_total', 'Requests and calls that a limit refused'),
    labelNames: ['limit'] as const,
  })
  gauge('rosters_kept', 'Rosters that are in memory', () => rosters?.().rosters ?? 0)
  gauge('roster_patients_kept', 'Patients of the rosters in memory', () => rosters?.().patients ?? 0)
  gauge('overloaded', '1 while requests are refused for load', () => Number(gauged?.isOverloaded() ?? false))
  gauge('audit_failing', '1 while records cannot be kept', () =>
    Number(gauged?.auditStatus().failing ?? false),
  )
  mirrored('audit_records_failed_total', 'Records of calls that could not be kept', ({ failed }) => failed)
  mirrored('audit_events_posted_total', 'AuditEvents that the repository has taken', ({ posted }) => posted)
  mirrored('audit_events_skipped_total', 'AuditEvents that it did not want', ({ skipped }) => skipped)
  if (given === undefined) collectDefaultMetrics({ register })

  const meter: Meter = {
    call({ kind, name, outcome, code = 'none', duration, received: bytes }) {
      calls.inc({ kind, name, outcome })
      if (outcome === 'denied') denials.inc({ code })
      if (outcome === 'failed') failures.inc({ code })
      durations.observe({ kind, name }, duration / 1000)
      received.inc(bytes)
    },
    tokenRefused: (code) => tokens.inc({ code }),
    exchangeRequest: (status, took) => requests.observe({ status }, took),
    cache(cache, hits, misses) {
      if (hits > 0) lookups.inc({ cache, result: 'hit' }, hits)
      if (misses > 0) lookups.inc({ cache, result: 'miss' }, misses)
    },
    limited: (limit) => limits.inc({ limit }),
    rostersAre(read) {
      rosters = read
    },
  }
  return {
    meter,
    register,
    watch(what) {
      gauged = what
    },
    remove() {
      for (const name of names) register.removeSingleMetric(name)
    },
  }
}
