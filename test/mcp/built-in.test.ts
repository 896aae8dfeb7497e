import { describe, expect, it } from 'vitest'
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
