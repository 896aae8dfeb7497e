import { describe, expect, it } from 'vitest'
import { compartmentTypes } from '../../src/fhir/compartment.ts'
import { builtIn } from '../../src/mcp/built-in.ts'
import { listTool } from '../../src/mcp/listing.ts'

const tools = [...builtIn().tools.values()]

describe('the listing of tools', () => {
  it('stays below 16 KB, in a fixed order', () => {
    const listed = tools.map(listTool)
    expect(Buffer.byteLength(JSON.stringify({ tools: listed }))).toBeLessThan(16_384)
    expect(listed.map(({ name }) => name)).toEqual([
      'get_my_access',
      'get_study_count',
      'list_studies',
      'get_study_metadata',
      'list_study_patients',
      'search_patients',
      'get_patient_demographics',
      'get_patient_date_range',
      'get_patient_observations',
      'count_patient_observations',
      'count_study_observations',
      'summarize_patient_observations',
      'chart_patient_observations',
      'summarize_study_observations',
      'get_data_type',
      'get_server_capabilities',
    ])
  })

  it.each(tools.map((tool) => [tool.name, tool] as const))(
    '%s takes no argument that it does not have',
    (_, tool) => {
      expect(listTool(tool).inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(listTool(tool).annotations.readOnlyHint).toBe(true)
      expect(tool.description.length).toBeLessThan(150)
    },
  )
})

describe('the listing with every type of the record allowed', () => {
  const all = [...builtIn(compartmentTypes).tools.values()]

  it('stays below 24 KB, with two tools more', () => {
    const listed = all.map(listTool)
    expect(Buffer.byteLength(JSON.stringify({ tools: listed }))).toBeLessThan(24_576)
    expect(listed.map(({ name }) => name)).toEqual([
      ...tools.map(({ name }) => name),
      'search_fhir',
      'read_fhir',
    ])
  })

  it.each(['search_fhir', 'read_fhir'])('says which types %s takes, and no others', (name) => {
    const [tool] = [...builtIn(['Condition', 'Procedure', 'Condition']).tools.values()].filter(
      (one) => one.name === name,
    )
    if (tool === undefined) throw new TypeError(`${name} is not there`)
    expect(listTool(tool).inputSchema).toMatchObject({
      additionalProperties: false,
      properties: { type: { enum: ['Condition', 'Procedure'] } },
    })
    expect(tool.description.length).toBeLessThan(150)
  })

  it('is the same as without where no type is allowed', () => {
    expect([...builtIn([]).tools.keys()]).toEqual(tools.map(({ name }) => name))
  })
})
