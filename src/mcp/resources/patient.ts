import { getPatientDemographics } from '../../tools/get-patient-demographics.ts'
import type { ResourceDefinition } from '../registry.ts'
import { jsonOf } from './answer-text.ts'
import { idOnly } from './study.ts'

/** A patient within reach. */
export const patientResource: ResourceDefinition = {
  uri: 'exchange://patient/{id}',
  name: 'patient',
  title: 'Patient',
  description: 'A patient within reach, as Patient.',
  mimeType: 'application/fhir+json',
  rule: { name: getPatientDemographics.name, ...getPatientDemographics.rule },
  subject: ({ id }) => ({ kind: 'patient', patient: idOnly(id), study: undefined }),
  read: async ({ id }, context) =>
    jsonOf(await getPatientDemographics.run({ patient_id: idOnly(id), format: 'fhir' }, context)),
  async complete(_, value, { grant }) {
    const members = grant.terms.patients?.members ?? new Set<string>()
    return [...members].filter((id) => id.startsWith(value)).sort()
  },
}
