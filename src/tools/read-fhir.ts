import { z } from 'zod'
import { idOf } from '../fhir/grammar.ts'
import { leftOutOf } from '../fhir/people/left-out.ts'
import { recordLines, recordNotes, recordResource } from '../results/records.ts'
import { singleAnswer } from '../results/single.ts'
import { shortText } from './arguments/text.ts'
import {
  type AllowedTypes,
  namesWithType,
  needsOfType,
  recordArguments,
  recordRule,
} from './compartment/arguments.ts'
import { medicationsFor, unnamedNotes } from './compartment/medications.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

/** The tool that reads one resource of a patient's record, of the types that the operator allows. */
export function readFhir(types: AllowedTypes) {
  return defineTool({
    name: 'read_fhir',
    title: 'Read one resource of a patient',
    description: 'One resource of a patient, whole, by an id that search_fhir gave.',
    input: z.strictObject({ ...recordArguments(types), id: shortText(128) }),
    output: 'fhir',
    rule: recordRule(types),
    needsOf: needsOfType,
    recorded: ({ type }, names) => namesWithType(names, type),
    subject({ patient_id, study_id, type, id }) {
      idOf(id, [type], 'id')
      return { kind: 'patient', patient: patient_id, study: study_id }
    },
    async run({ type, id }, context) {
      const asked = idOf(id, [type], 'id')
      const found = await context.exchange.read(context.grant, type, asked)
      const resource = recordResource(found, context.settings.baseUrl)
      const medications = await medicationsFor([resource], type, context)
      return singleAnswer({
        asked: `${type}/${asked} of Patient/${patientOf(context.target)}`,
        resource,
        lines: recordLines(resource, type, medications),
        notes: [
          ...recordNotes([found]),
          ...unnamedNotes([resource], type, medications, context.settings.baseUrl),
        ].map(({ text }) => text),
        leftOut: leftOutOf(found),
        byteBudget: context.byteBudget,
        asOf: new Date(context.now()).toISOString(),
      })
    },
  })
}
