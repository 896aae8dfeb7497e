import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorCatalog, fhirMcpError, isFhirMcpError } from '../src/errors.ts'

const document = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const sections = new Map(
  document
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
)

describe('the error catalog', () => {
  it('is documented, code by code, and nothing else is', () => {
    expect([...sections.keys()]).toEqual(Object.keys(errorCatalog).map((name) => `FHIR_MCP_${name}`))
  })

  it.each(Object.entries(errorCatalog))('is documented as it is: %s', (name, entry) => {
    const section = sections.get(`FHIR_MCP_${name}`)
    expect(section).toContain(`> ${entry.message}\n`)
    expect(section).toContain(`HTTP status ${entry.status}, FHIR issue type \`${entry.issue}\``)
    expect(section).toContain(`**Cause:** ${entry.cause}\n`)
    expect(section).toContain(`**Cure:** ${entry.cure}\n`)
  })

  it('keeps every code that was ever published', () => {
    expect(Object.keys(errorCatalog)).toEqual([
      'UNAUTHENTICATED',
      'TOKEN_EXPIRED',
      'TOKEN_INVALID',
      'AUDIENCE',
      'NO_PERMISSIONS',
      'FORBIDDEN',
      'INSUFFICIENT_SCOPE',
      'INVALID_ARGUMENT',
      'AMBIGUOUS',
      'NOT_SUPPORTED_BY_EXCHANGE',
      'EXCHANGE_UNAVAILABLE',
      'EXCHANGE_TIMEOUT',
      'EXCHANGE_REJECTED',
      'EXCHANGE_LEAK',
      'RATE_LIMITED',
      'CONFIG',
      'ISSUER_UNAVAILABLE',
      'STORAGE_UNAVAILABLE',
    ])
  })
})

describe('an error', () => {
  it('has a code, a status and a message with its detail', () => {
    const error = fhirMcpError('INVALID_ARGUMENT', { detail: 'limit must be a number.' })
    expect(error).toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      statusCode: 400,
      choices: [],
      scopes: [],
    })
    expect(error.message).toBe('An argument is not usable. limit must be a number.')
  })

  it('is told apart from others', () => {
    const error = fhirMcpError('FORBIDDEN')
    expect(isFhirMcpError(error)).toBe(true)
    expect(isFhirMcpError(error, 'FORBIDDEN')).toBe(true)
    expect(isFhirMcpError(error, 'CONFIG')).toBe(false)
    expect(isFhirMcpError(new Error('x'))).toBe(false)
  })
})
