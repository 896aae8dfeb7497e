import { describe, expect, it } from 'vitest'
import { type ErrorName, errorCatalog, fhirMcpError } from '../../src/errors.ts'
import { compartmentTypes } from '../../src/fhir/compartment.ts'
import { builtIn } from '../../src/mcp/built-in.ts'
import { cureOf } from '../../src/mcp/cure.ts'
import { withPatientHint } from '../../src/mcp/patient-hint.ts'
import type { AnyTool } from '../../src/mcp/registry.ts'
import { errorAnswer } from '../../src/results/outcome.ts'

const tools = [...builtIn(compartmentTypes).tools.values()]
const argumentsOf = ({ input }: Pick<AnyTool, 'input'>) => Object.keys(input.shape)
const everyArgument = new Set(tools.flatMap(argumentsOf))
const errors = Object.keys(errorCatalog) as ErrorName[]

/** Names of arguments in a text, each with the tool that it says to ask. */
function named(text: string): { tool: string | undefined; argument: string }[] {
  return text.split(/(?<=[.;]) /).flatMap((part) => {
    const tool = /\bask (\w+) with\b/.exec(part)?.[1]
    const words = part.match(/\b[a-z_]+\b/g) ?? []
    // "a FHIR id" is a word, not the argument of read_fhir.
    return words
      .filter((word) => everyArgument.has(word) && word !== 'id')
      .map((argument) => ({ tool, argument }))
  })
}

/** Those arguments of a text that the tool, or the one that it says to ask, does not take. */
function strange(text: string, tool: AnyTool): string[] {
  return named(text).flatMap(({ tool: other, argument }) => {
    const asked = other === undefined ? tool : tools.find(({ name }) => name === other)
    return asked !== undefined && argumentsOf(asked).includes(argument)
      ? []
      : [`${argument} of ${asked?.name}`]
  })
}

/** What a caller of a tool reads of an error, but for its fixed message. */
function adviceOf(name: ErrorName, tool: AnyTool): string {
  const error = withPatientHint(fhirMcpError(name), tool)
  const { text = '' } = errorAnswer(error, cureOf(error, tool))
  return text.replace(`FHIR_MCP_${name}: ${errorCatalog[name].message}`, '')
}

describe.each(tools)('what $name says to do about an error', (tool) => {
  it.each(errors)('names its own arguments alone: %s', (name) => {
    expect(strange(adviceOf(name, tool), tool)).toEqual([])
  })
})

describe('advice', () => {
  const one = (name: string) => tools.find((tool) => tool.name === name) as AnyTool

  it('on a timeout is what makes the question smaller, where anything does', () => {
    expect(adviceOf('EXCHANGE_TIMEOUT', one('get_patient_observations'))).toContain(
      'Ask for less (one data_type, a shorter period (start, end), a smaller limit), or try again later.',
    )
    expect(adviceOf('EXCHANGE_TIMEOUT', one('get_patient_date_range'))).toContain(
      'Ask for less (one data_type), or',
    )
    expect(adviceOf('EXCHANGE_TIMEOUT', one('get_patient_demographics'))).toBe('\nTry again later.')
  })

  it('on a filter that does not work names the filters there are', () => {
    expect(adviceOf('NOT_SUPPORTED_BY_EXCHANGE', one('search_fhir'))).toContain(
      'Leave a filter out (search), or',
    )
    expect(adviceOf('NOT_SUPPORTED_BY_EXCHANGE', one('get_study_count'))).toContain('Ask in another way')
  })

  it('on a patient does not speak of study_id where a tool takes none', () => {
    const { study_id: _, ...shape } = one('get_patient_demographics').input.shape
    const tool = { ...one('get_patient_demographics'), input: { shape } } as unknown as AnyTool
    const { detail } = withPatientHint(fhirMcpError('FORBIDDEN'), tool)
    expect(detail).toBe(
      'patient_id takes a FHIR id. For a record number (MRN) or another identifier, ask search_patients with identifier.',
    )
  })

  it('that names what a tool does not take would be seen', () => {
    const demographics = one('get_patient_demographics')
    expect(strange('Ask for less (a smaller limit).', demographics)).toEqual([
      'limit of get_patient_demographics',
    ])
    expect(strange('ask search_patients with start', demographics)).toEqual(['start of search_patients'])
  })
})
