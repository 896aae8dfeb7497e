import { describe, expect, it } from 'vitest'
import type { ParametersParameter } from '../../src/fhir/types.ts'
import { checkArguments } from '../../src/mcp/call.ts'
import { listTool } from '../../src/mcp/listing.ts'
import { dataTypes } from '../../src/open-mhealth/data-types.ts'
import { countPatientObservations } from '../../src/tools/count-patient-observations.ts'
import { countStudyObservations } from '../../src/tools/count-study-observations.ts'
import { getDataType } from '../../src/tools/get-data-type.ts'
import { getPatientDateRange } from '../../src/tools/get-patient-date-range.ts'
import { getPatientObservations } from '../../src/tools/get-patient-observations.ts'
import { summarizePatientObservations } from '../../src/tools/summarize-patient-observations.ts'
import { contextOf, emptiesIn, principalOf, resourceOf } from './call-tool.ts'
import { parametersNamed, valueNamed } from './observation-double.ts'

const ask = (given: Record<string, unknown>) =>
  getDataType.run(checkArguments(getDataType.input, given), contextOf({ principal: principalOf({}) }))

describe('get_data_type', () => {
  it('lists every type without an argument', async () => {
    const answer = await ask({})
    const names = parametersNamed(answer, 'dataType').map(({ part = [] }) => valueNamed(part, 'name'))
    expect(names).toEqual(dataTypes().map(({ name }) => name))
    for (const name of names) expect(answer.text).toContain(`- ${name} | `)
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it.each(['heart-rate', 'Pulse', '8867-4', 'omh:heart-rate:2.0', 'http://loinc.org|8867-4'])(
    'explains %s',
    async (word) => {
      const answer = await ask({ data_type: word })
      const parameters = resourceOf(answer).parameter as ParametersParameter[]
      expect(valueNamed(parameters, 'name')).toBe('heart-rate')
      expect(valueNamed(parameters, 'unit')).toBe('/min')
      expect(valueNamed(parameters, 'shape')).toBe('one number, in valueQuantity')
      expect(answer.text).toContain('omh:heart-rate:2.0')
      expect(answer.text).toContain('LOINC 8867-4')
    },
  )

  it('explains each component of blood pressure, and of every other type', async () => {
    const answer = await ask({ data_type: 'blood-pressure' })
    expect(answer.text).toContain('- systolic_blood_pressure | mm[Hg] | LOINC 8480-6')
    expect(parametersNamed(answer, 'component')).toHaveLength(2)
    for (const { name } of dataTypes()) {
      expect(emptiesIn((await ask({ data_type: name })).structured)).toEqual([])
    }
  })

  it('refuses what is not known, and lists the names', async () => {
    const refused = { code: 'FHIR_MCP_INVALID_ARGUMENT', detail: expect.stringContaining('step-count') }
    await expect(ask({ data_type: 'mood' })).rejects.toMatchObject(refused)
    await expect(ask({ data_type: 'http://snomed.info/sct|1' })).rejects.toMatchObject(refused)
  })
})

describe('the observation tools in tools/list', () => {
  it.each([
    getPatientObservations,
    getPatientDateRange,
    countPatientObservations,
    countStudyObservations,
    summarizePatientObservations,
    getDataType,
  ])('$name is small', (tool) => {
    const { length } = JSON.stringify(listTool(tool))
    expect(length).toBeLessThan(1450)
  })
})
