import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import { errorAnswer, errorSystem, outcomeOf } from '../../src/results/outcome.ts'

describe('an error as an answer', () => {
  it('is an OperationOutcome with the code, and says cause and cure in words', () => {
    const { structured, text, isError } = errorAnswer(fhirMcpError('FORBIDDEN'))
    expect(isError).toBe(true)
    expect(structured).toEqual({
      resourceType: 'OperationOutcome',
      issue: [
        {
          severity: 'error',
          code: 'forbidden',
          details: {
            coding: [{ system: errorSystem, code: 'FHIR_MCP_FORBIDDEN' }],
            text: 'Not found, or not within what this token may see.',
          },
          diagnostics: 'Not found, or not within what this token may see.',
        },
      ],
    })
    expect(text).toBe(
      'FHIR_MCP_FORBIDDEN: Not found, or not within what this token may see.\nAsk get_my_access what the token reaches.',
    )
  })

  it('lists the choices, the scopes and how long to wait', () => {
    const choices = [
      { id: 's1', label: 'Heart' },
      { id: 's2', label: 'Heart' },
    ]
    expect(errorAnswer(fhirMcpError('AMBIGUOUS', { choices })).text).toContain('- s1: Heart\n- s2: Heart')
    const scopes = ['user/Patient.rs', 'user/Observation.rs']
    expect(errorAnswer(fhirMcpError('INSUFFICIENT_SCOPE', { scopes })).text).toContain(
      'Scopes needed: user/Patient.rs user/Observation.rs',
    )
    expect(errorAnswer(fhirMcpError('RATE_LIMITED', { retryAfter: 7 })).text).toContain('Try again in 7 s.')
  })
})

describe('notes', () => {
  it('are the issues of one OperationOutcome', () => {
    const text = 'Three were left out.'
    expect(outcomeOf([{ severity: 'information', code: 'incomplete', text }])).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information', code: 'incomplete', diagnostics: text }],
    })
  })
})
