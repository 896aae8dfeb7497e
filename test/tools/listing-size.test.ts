import { describe, expect, it } from 'vitest'
import { listTool } from '../../src/mcp/listing.ts'
import { getMyAccess } from '../../src/tools/get-my-access.ts'
import { getPatientDemographics } from '../../src/tools/get-patient-demographics.ts'
import { getServerCapabilities } from '../../src/tools/get-server-capabilities.ts'
import { getStudyCount } from '../../src/tools/get-study-count.ts'
import { getStudyMetadata } from '../../src/tools/get-study-metadata.ts'
import { listStudies } from '../../src/tools/list-studies.ts'
import { listStudyPatients } from '../../src/tools/list-study-patients.ts'
import { searchPatients } from '../../src/tools/search-patients.ts'

const tools = [
  getStudyCount,
  listStudies,
  getPatientDemographics,
  getStudyMetadata,
  listStudyPatients,
  searchPatients,
  getServerCapabilities,
  getMyAccess,
]

describe('the tools about studies, patients and the caller', () => {
  it('have an average listing of less than a fifteenth of 16 KB', () => {
    const bytes = tools.map((tool) => Buffer.byteLength(JSON.stringify(listTool(tool))))
    const average = bytes.reduce((sum, one) => sum + one, 0) / tools.length
    expect(average).toBeLessThan(16_384 / 15)
  })

  it.each(tools.map((tool) => [tool.name, tool] as const))(
    '%s takes no argument that it does not have',
    (_, tool) => {
      expect(listTool(tool).inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(tool.description.length).toBeLessThan(130)
    },
  )
})
