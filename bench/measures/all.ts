import type { Measure } from '../frame/measure.ts'
import { allowed } from './allowed.ts'
import { audited } from './audited.ts'
import { countByPatient, countByPatientHapi } from './counting.ts'
import { patientDecision, studyDecision } from './decisions.ts'
import { endurance } from './endurance.ts'
import { firstSight } from './first-sight.ts'
import { growth } from './growth.ts'
import { memberships } from './memberships.ts'
import { budget, observationsFhir, observationsTable } from './observations.ts'
import { denied, deniedPatient, listing } from './small-calls.ts'
import { start } from './start.ts'
import { throughputAllowed, throughputDenied, twoProcesses } from './throughput.ts'

/** Every row of the table, in its order. */
export const measures: readonly Measure[] = [
  studyDecision,
  patientDecision,
  memberships,
  firstSight,
  denied,
  deniedPatient,
  audited,
  allowed,
  observationsTable,
  observationsFhir,
  budget,
  countByPatient,
  countByPatientHapi,
  listing,
  throughputDenied,
  throughputAllowed,
  twoProcesses,
  endurance,
  start,
  growth,
]
