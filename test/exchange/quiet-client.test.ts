import { describe, expect, it } from 'vitest'
import { assertQuietClient } from '../../src/exchange/quiet-client.ts'

describe('the DEBUG variable', () => {
  it.each([
    undefined,
    '',
    'http',
    'fastify:*',
    'fhir-kit-client',
    '*,-fhir-kit-client:*',
    '* -fhir-kit-client:*',
  ])('may be %j', (debug) => {
    expect(() => assertQuietClient(debug)).not.toThrow()
  })

  it.each([
    '*',
    'fhir-kit-client:*',
    'http fhir-kit-client:info',
    'fhir*',
    '*,-http',
    'fhir-kit-client:error,-fhir-kit-client:info',
    '*:info',
  ])('must not be %j, which prints what the exchange answers', (debug) => {
    expect(() => assertQuietClient(debug)).toThrow('DEBUG')
  })
})
