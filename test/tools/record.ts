import type { AnyResource, FhirVersion } from '../../src/fhir/types.ts'

const snomed = 'http://snomed.info/sct'
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm'

const lisinopril = {
  coding: [{ system: rxnorm, code: '314076', display: 'lisinopril 10 MG Oral Tablet' }],
}
const relative = { reference: 'RelatedPerson/relative-1', display: 'Olga Secretova' }

/** A record of invented people: of pat-1, in study A, and of pat-10, whom only study C has. */
export function record(version: FhirVersion): AnyResource[] {
  return [...recordOf('pat-1', version), ...recordOf('pat-10', version), ...relatives, ...onlyOne(version)]
}

/** Number of conditions that each of the two has. */
export const conditions = 7

function recordOf(patient: string, version: FhirVersion): AnyResource[] {
  const subject = { reference: `Patient/${patient}` }
  return [
    ...Array.from({ length: conditions }, (_, index) => condition(patient, index, version)),
    medicationRequest(patient, version),
    encounter(patient, version),
    {
      resourceType: 'Procedure',
      id: `${patient}-procedure`,
      status: 'completed',
      code: coded('80146002', 'Appendectomy'),
      subject,
      ...(version === 'R4'
        ? { performedDateTime: '2026-02-03T10:00:00Z' }
        : { occurrenceDateTime: '2026-02-03T10:00:00Z' }),
    },
    {
      resourceType: 'DiagnosticReport',
      id: `${patient}-report`,
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '58410-2', display: 'CBC panel' }] },
      subject,
      effectiveDateTime: '2026-03-01T08:00:00Z',
      conclusion: `Nothing of note for ${patient}`,
      presentedForm: [{ contentType: 'application/pdf', data: 'c2VjcmV0', title: 'Report' }],
    },
    {
      resourceType: 'QuestionnaireResponse',
      id: `${patient}-answers`,
      questionnaire: 'http://forms.example.org/Questionnaire/sleep',
      status: 'completed',
      subject,
      authored: '2026-04-01T09:30:00Z',
      item: [{ linkId: '1', text: 'Slept well?', answer: [{ valueBoolean: true }] }],
    },
    {
      resourceType: 'AllergyIntolerance',
      id: `${patient}-allergy`,
      clinicalStatus: {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' },
        ],
      },
      patient: subject,
      code: coded('91935009', 'Allergy to peanut'),
      recordedDate: '2020-05-06',
    },
    ...(version === 'R4' ? dispensed(patient, { medicationCodeableConcept: lisinopril }, version) : []),
    ...(version === 'R5' ? dispensed(patient, { medication: { concept: lisinopril } }, version) : []),
    {
      resourceType: 'CareTeam',
      id: `${patient}-team`,
      status: 'active',
      name: 'Heart failure team',
      subject,
      participant: [{ member: relative }],
      period: { start: '2026-01-10' },
    },
    {
      resourceType: 'Goal',
      id: `${patient}-goal`,
      lifecycleStatus: 'active',
      description: { text: 'Walk 6,000 steps a day' },
      subject,
      startDate: '2026-01-11',
      target: [{ measure: { text: 'Steps' }, detailInteger: 6000, dueDate: '2026-06-30' }],
    },
    {
      resourceType: 'DocumentReference',
      id: `${patient}-document`,
      status: 'current',
      description: 'Discharge summary',
      subject,
      date: '2026-01-12T10:00:00Z',
      content: [{ attachment: { contentType: 'application/pdf', data: 'c2VjcmV0' } }],
    },
    coverage(patient, version),
  ]
}

/** To another person; R4 lets no relative receive it. */
function dispensed(patient: string, medication: object, version: FhirVersion): AnyResource[] {
  return [
    {
      resourceType: 'MedicationDispense',
      id: `${patient}-dispensed`,
      status: 'completed',
      ...medication,
      subject: { reference: `Patient/${patient}` },
      receiver: [version === 'R4' ? { reference: 'Patient/pat-12', display: 'Petra Secretova' } : relative],
      whenHandedOver: '2026-05-06T11:00:00Z',
    },
  ]
}

/** By the insurance of a relative, whose number says who that is. */
function coverage(patient: string, version: FhirVersion): AnyResource {
  const number = 'Secretova-4711'
  return {
    resourceType: 'Coverage',
    id: `${patient}-coverage`,
    status: 'active',
    type: { text: 'Family insurance' },
    beneficiary: { reference: `Patient/${patient}` },
    subscriber: relative,
    subscriberId: version === 'R4' ? number : [{ value: number }],
    ...(version === 'R4' ? { payor: [{ display: 'A fund' }] } : { kind: 'insurance' }),
  }
}

function condition(patient: string, index: number, version: FhirVersion): AnyResource {
  const error = index === 6
  return {
    resourceType: 'Condition',
    id: `${patient}-condition-${index}`,
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">A narrative</div>' },
    // R4, con-5: what was entered in error has no clinical status; R5 wants one of every Condition.
    ...(error && version === 'R4'
      ? {}
      : { clinicalStatus: status('condition-clinical', index % 2 === 0 ? 'active' : 'resolved') }),
    verificationStatus: status('condition-ver-status', error ? 'entered-in-error' : 'confirmed'),
    code: index === 1 ? coded('44054006', 'Type 2 diabetes') : coded('38341003', 'Hypertension'),
    subject: { reference: `Patient/${patient}` },
    onsetDateTime: `202${index}-01-15`,
    recordedDate: `202${index}-02-01T00:00:00Z`,
  }
}

function status(name: string, code: string) {
  return { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${name}`, code }] }
}

function coded(code: string, display: string) {
  return { coding: [{ system: snomed, code, display }] }
}

function medicationRequest(patient: string, version: FhirVersion): AnyResource {
  return {
    resourceType: 'MedicationRequest',
    id: `${patient}-medication`,
    status: 'active',
    intent: 'order',
    doNotPerform: true,
    ...(version === 'R4'
      ? { medicationCodeableConcept: lisinopril }
      : { medication: { concept: lisinopril } }),
    subject: { reference: `Patient/${patient}` },
    authoredOn: '2026-05-05',
    dosageInstruction: [{ text: 'One tablet each morning' }],
  }
}

/** With a relative who came along, and another patient of whom the exchange says that they were there. */
function encounter(patient: string, version: FhirVersion): AnyResource {
  const ambulatory = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' }
  const period = { start: '2026-06-01T09:00:00Z', end: '2026-06-01T09:30:00Z' }
  const other = { reference: 'Patient/pat-12', display: 'Petra Secretova' }
  const base = {
    resourceType: 'Encounter',
    id: `${patient}-encounter`,
    subject: { reference: `Patient/${patient}` },
  }
  return version === 'R4'
    ? {
        ...base,
        status: 'finished',
        class: ambulatory,
        participant: [{ individual: relative }],
        period,
        extension: [{ url: 'http://example.org/accompanied', valueReference: other }],
      }
    : {
        ...base,
        status: 'completed',
        class: [{ coding: [ambulatory] }],
        participant: [{ actor: relative }],
        actualPeriod: period,
        extension: [{ url: 'http://example.org/accompanied', valueReference: other }],
      }
}

const relatives: AnyResource[] = [
  { resourceType: 'RelatedPerson', id: 'relative-1', patient: { reference: 'Patient/pat-12' } },
]

/** What only R4 ties to a patient. */
function onlyOne(version: FhirVersion): AnyResource[] {
  if (version === 'R5') return []
  return ['pat-1', 'pat-10'].map((patient) => ({
    resourceType: 'Device',
    id: `${patient}-device`,
    status: 'active',
    deviceName: [{ name: 'Cuff', type: 'user-friendly-name' }],
    patient: { reference: `Patient/${patient}` },
  }))
}
