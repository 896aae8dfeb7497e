import { z } from 'zod'
import { parametersOf } from '../results/parameters.ts'
import { singleAnswer } from '../results/single.ts'
import { observationArguments, observationRule, patientArguments } from './observations/arguments.ts'
import { askedObservations, askedParameters, patientSubject, wordingOf } from './observations/asked.ts'
import {
  countParameters,
  countText,
  exactness,
  fociCounted,
  panelNotes,
  shownNotes,
} from './observations/count-text.ts'
import { importNotes } from './observations/import-notes.ts'
import { whyEmpty } from './observations/why-empty.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({ ...patientArguments, ...observationArguments })

/** Counts the observations of one patient. */
export const countPatientObservations = defineTool({
  name: 'count_patient_observations',
  title: 'Count observations of a patient',
  description: 'Exact number of observations of a patient, without erroneous and cancelled ones.',
  input,
  output: 'fhir',
  rule: observationRule,
  subject: patientSubject,
  async run(given, context) {
    const { grant, exchange, byteBudget } = context
    const asked = askedObservations(given)
    const patient = patientOf(context.target)
    const count = await exchange.countPatientObservations(grant, patient, asked.filter)
    const asOf = new Date(context.now()).toISOString()
    return singleAnswer({
      asked: `Number of observations of Patient/${patient}, ${wordingOf(asked, grant)}`,
      resource: parametersOf([
        { name: 'patient', valueReference: { reference: `Patient/${patient}` } },
        ...askedParameters(asked, grant),
        ...countParameters(count),
        { name: 'exact', valueBoolean: count.shownOnly !== true },
        { name: 'asOf', valueInstant: asOf },
      ]),
      lines: [`${countText(count)}, ${exactness(count)}`],
      notes: [
        ...shownNotes(count),
        count.count === 0 ? await whyEmpty(asked, context) : fociCounted,
        ...(count.count === 0 ? [] : panelNotes(asked)),
        ...(await importNotes(context, count.imported ?? 0)),
      ],
      byteBudget,
      asOf,
    })
  },
})
