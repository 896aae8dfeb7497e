import { z } from 'zod'
import { leftOutOf } from '../fhir/people/left-out.ts'
import { anyResource } from '../results/any-resource.ts'
import { demographicLines, demographicNotes } from '../results/demographics.ts'
import { pruneDemographics } from '../results/prune.ts'
import { withoutBase } from '../results/relative.ts'
import { singleAnswer } from '../results/single.ts'
import { singleFormat } from './arguments/format.ts'
import { codeStudyId, patientId } from './arguments/ids.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({ patient_id: patientId, study_id: codeStudyId, format: singleFormat })

/** One patient, identified: the only tool that gives telecom and address. */
export const getPatientDemographics = defineTool({
  name: 'get_patient_demographics',
  title: 'Patient demographics',
  description: 'One patient, identified: name, birth date, sex, identifiers, telecom, address.',
  input,
  output: 'fhir',
  rule: { needs: [{ types: ['Patient'] }], patients: true },
  subject: ({ patient_id, study_id }) => ({ kind: 'patient', patient: patient_id, study: study_id }),
  async run({ format }, context) {
    const { baseUrl } = context.settings
    const found = await context.exchange.patient(context.grant)
    const patient = withoutBase(found, baseUrl)
    const pruned = pruneDemographics(patient)
    return singleAnswer({
      asked: `Demographics of Patient/${patient.id}`,
      resource: format === 'fhir_full' ? anyResource(patient) : pruned,
      smaller: pruned,
      lines: demographicLines(patient),
      notes: demographicNotes(patient),
      leftOut: leftOutOf(found),
      byteBudget: context.byteBudget,
      asOf: new Date(context.now()).toISOString(),
    })
  },
})
