import type { CompartmentType } from '../fhir/compartment.ts'
import { chartPatientObservations } from '../tools/chart-patient-observations.ts'
import { countPatientObservations } from '../tools/count-patient-observations.ts'
import { countStudyObservations } from '../tools/count-study-observations.ts'
import { getDataType } from '../tools/get-data-type.ts'
import { getMyAccess } from '../tools/get-my-access.ts'
import { getPatientDateRange } from '../tools/get-patient-date-range.ts'
import { getPatientDemographics } from '../tools/get-patient-demographics.ts'
import { getPatientObservations } from '../tools/get-patient-observations.ts'
import { getServerCapabilities } from '../tools/get-server-capabilities.ts'
import { getStudyCount } from '../tools/get-study-count.ts'
import { getStudyMetadata } from '../tools/get-study-metadata.ts'
import { listStudies } from '../tools/list-studies.ts'
import { listStudyPatients } from '../tools/list-study-patients.ts'
import { readFhir } from '../tools/read-fhir.ts'
import { searchFhir } from '../tools/search-fhir.ts'
import { searchPatients } from '../tools/search-patients.ts'
import { summarizePatientObservations } from '../tools/summarize-patient-observations.ts'
import { summarizeStudyObservations } from '../tools/summarize-study-observations.ts'
import { explained } from './explained.ts'
import { comparePeriods } from './prompts/compare-periods.ts'
import { dataQualityCheck } from './prompts/data-quality-check.ts'
import { patientOverview } from './prompts/patient-overview.ts'
import { studyStatus } from './prompts/study-status.ts'
import { type AnyTool, createRegistry, type Registry } from './registry.ts'
import { capabilitiesResource } from './resources/capabilities.ts'
import { dataTypeResource } from './resources/data-type.ts'
import { patientResource } from './resources/patient.ts'
import { studyResource } from './resources/study.ts'

/** The order in which `tools/list` shows them: from the whole to the single. */
const tools: readonly AnyTool[] = [
  getMyAccess,
  getStudyCount,
  listStudies,
  getStudyMetadata,
  listStudyPatients,
  searchPatients,
  getPatientDemographics,
  getPatientDateRange,
  getPatientObservations,
  countPatientObservations,
  countStudyObservations,
  summarizePatientObservations,
  chartPatientObservations,
  summarizeStudyObservations,
  getDataType,
  getServerCapabilities,
]

/** A registry with the tools, resources and prompts of this package; with the tools on the record where `types` allows any of it. */
export function builtIn(types: readonly CompartmentType[] = []): Registry {
  const registry = createRegistry()
  for (const tool of [...tools, ...onRecord(types)]) registry.addTool(explained(tool))
  for (const resource of [capabilitiesResource, studyResource, patientResource, dataTypeResource]) {
    registry.addResource(resource)
  }
  for (const prompt of [patientOverview, studyStatus, comparePeriods, dataQualityCheck]) {
    registry.addPrompt(prompt)
  }
  return registry
}

function onRecord(types: readonly CompartmentType[]): AnyTool[] {
  const [first, ...others] = new Set(types)
  return first === undefined ? [] : [searchFhir([first, ...others]), readFhir([first, ...others])]
}
