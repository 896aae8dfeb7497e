import type * as r4 from 'fhir/r4.js'
import type * as r5 from 'fhir/r5.js'

/** The FHIR releases that an exchange may speak. */
export type FhirVersion = 'R4' | 'R5'

/** A patient; R4 and R5 agree in every element that the tools read. */
export type Patient = r5.Patient
/** An observation; R5 adds `valueAttachment`, which carries Open mHealth bodies. */
export type Observation = r5.Observation
export type ObservationComponent = r5.ObservationComponent
/** A study: R4 names the sponsor in `sponsor`, R5 in `associatedParty`. */
export type ResearchStudy = r4.ResearchStudy | r5.ResearchStudy
/** An enrolment: R4 has `individual`, R5 has `subject` and `progress`. */
export type ResearchSubject = r4.ResearchSubject | r5.ResearchSubject
export type Group = r5.Group
export type OperationOutcome = r5.OperationOutcome
export type OperationOutcomeIssue = r5.OperationOutcomeIssue
export type Parameters = r5.Parameters
export type ParametersParameter = r5.ParametersParameter
export type Bundle = r5.Bundle
export type BundleEntry = r5.BundleEntry
export type CapabilityStatement = r4.CapabilityStatement | r5.CapabilityStatement
export type Coding = r5.Coding
export type CodeableConcept = r5.CodeableConcept
export type Quantity = r5.Quantity
export type Identifier = r5.Identifier

/** Any resource, before its type has been looked at. */
export interface AnyResource {
  resourceType: string
  id?: string
  [element: string]: unknown
}

/** A code to search for. */
export interface SearchCode {
  readonly system: string
  readonly code: string
}
