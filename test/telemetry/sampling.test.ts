import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import { inRequestSpan, inSpan, inSyncSpan, noteOnSpan } from '../../src/telemetry/spans.ts'
import { startTracing } from './tracing.ts'

const failed = () => ({ type: 'failed', code: undefined })

/** Runs one span of each kind within another; what each was given is looked at. */
async function traced(): Promise<unknown[]> {
  const given: unknown[] = []
  await inSpan('outer', async (outer) => {
    noteOnSpan('fhir_mcp.cache', 'hit')
    await inRequestSpan('request', async (span) => given.push(span), failed)
    inSyncSpan('decode', (span) => given.push(span))
    given.push(outer)
  })
  return given
}

describe('without an SDK, or where its sampler wants nothing', () => {
  it('nothing is made to describe a call, and what is thrown is thrown on', async () => {
    expect(await traced()).toEqual([undefined, undefined, undefined])
    await expect(inSpan('outer', () => Promise.reject(fhirMcpError('FORBIDDEN')))).rejects.toThrow(
      'Not found',
    )
    const { spans } = startTracing(new AlwaysOffSampler())
    expect(await traced()).toEqual([undefined, undefined, undefined])
    await expect(inSpan('outer', () => Promise.reject(fhirMcpError('FORBIDDEN')))).rejects.toThrow(
      'Not found',
    )
    expect(() => inSyncSpan('decode', () => JSON.parse('{'))).toThrow(SyntaxError)
    expect(spans()).toEqual([])
  })
})
