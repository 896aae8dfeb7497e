import type { FhirVersion } from './types.ts'

/** A search parameter that a caller may use: how it compares, and the elements of R4 and R5 that it looks at. */
export interface CompartmentSearch {
  readonly kind: 'token' | 'date'
  /** Dotted paths; lists on the way are walked through. */
  readonly paths: readonly string[]
}

/** One type of a patient's compartment. */
export interface CompartmentRule {
  /** The element that says whose it is; the search parameter `patient` looks at it in both releases. */
  readonly owner: 'subject' | 'patient' | 'beneficiary'
  readonly releases: readonly FhirVersion[]
  /** What names it for a reader: the first of these elements that is there. */
  readonly named: readonly string[]
  /** References to what names it, where it does not do so itself. */
  readonly referred?: readonly string[]
  /** Search parameters to sort by, newest first; the first that the exchange has. */
  readonly dated: readonly string[]
  readonly searches: Readonly<Record<string, CompartmentSearch>>
}

const token = (...paths: string[]): CompartmentSearch => ({ kind: 'token', paths })
const date = (...paths: string[]): CompartmentSearch => ({ kind: 'date', paths })
const both = ['R4', 'R5'] as const
const medication = ['medicationCodeableConcept', 'medication.concept'] as const
const medicationReference = ['medicationReference', 'medication.reference'] as const

/**
 * The types that can be allowed, by the CompartmentDefinition "patient" of R4 (4.0.1) and R5 (5.0.0), and by the search
 * parameters of both releases. Only membership by the element that says whom a resource is about counts: who recorded,
 * asserted, performed or authored something about somebody else does not make it theirs. R4 has Device.patient without
 * having Device in the compartment; in R5 a device says nothing of a patient.
 */
export const compartment = {
  AllergyIntolerance: {
    owner: 'patient',
    releases: both,
    named: ['code'],
    dated: ['date'],
    searches: {
      'clinical-status': token('clinicalStatus'),
      'verification-status': token('verificationStatus'),
      type: token('type'),
      category: token('category'),
      criticality: token('criticality'),
      code: token('code', 'reaction.substance'),
      date: date('recordedDate'),
    },
  },
  CarePlan: {
    owner: 'subject',
    releases: both,
    named: ['title', 'category'],
    dated: ['date'],
    searches: {
      status: token('status'),
      intent: token('intent'),
      category: token('category'),
      date: date('period'),
    },
  },
  CareTeam: {
    owner: 'subject',
    releases: both,
    named: ['name', 'category'],
    dated: ['date'],
    searches: { status: token('status'), category: token('category'), date: date('period') },
  },
  Condition: {
    owner: 'subject',
    releases: both,
    named: ['code'],
    dated: ['recorded-date'],
    searches: {
      'clinical-status': token('clinicalStatus'),
      'verification-status': token('verificationStatus'),
      category: token('category'),
      severity: token('severity'),
      code: token('code'),
      'onset-date': date('onsetDateTime', 'onsetPeriod'),
      'abatement-date': date('abatementDateTime', 'abatementPeriod'),
      'recorded-date': date('recordedDate'),
    },
  },
  Coverage: {
    owner: 'beneficiary',
    releases: both,
    named: ['type'],
    dated: [],
    searches: { status: token('status'), type: token('type') },
  },
  Device: {
    owner: 'patient',
    releases: ['R4'],
    named: ['deviceName.name', 'type'],
    dated: [],
    searches: { status: token('status'), type: token('type') },
  },
  DiagnosticReport: {
    owner: 'subject',
    releases: both,
    named: ['code'],
    dated: ['date'],
    searches: {
      status: token('status'),
      category: token('category'),
      code: token('code'),
      conclusion: token('conclusionCode'),
      date: date('effectiveDateTime', 'effectivePeriod'),
      issued: date('issued'),
    },
  },
  DocumentReference: {
    owner: 'subject',
    releases: both,
    named: ['description', 'type'],
    dated: ['date'],
    searches: {
      status: token('status'),
      type: token('type'),
      category: token('category'),
      date: date('date'),
      period: date('context.period', 'period'),
    },
  },
  Encounter: {
    owner: 'subject',
    releases: both,
    named: ['type', 'class'],
    dated: ['date'],
    searches: {
      status: token('status'),
      class: token('class'),
      type: token('type'),
      date: date('period', 'actualPeriod'),
    },
  },
  Goal: {
    owner: 'subject',
    releases: both,
    named: ['description'],
    dated: ['start-date'],
    searches: {
      'lifecycle-status': token('lifecycleStatus'),
      'achievement-status': token('achievementStatus'),
      category: token('category'),
      'start-date': date('startDate'),
      'target-date': date('target.dueDate'),
    },
  },
  Immunization: {
    owner: 'patient',
    releases: both,
    named: ['vaccineCode'],
    dated: ['date'],
    searches: {
      status: token('status'),
      'vaccine-code': token('vaccineCode'),
      date: date('occurrenceDateTime'),
    },
  },
  MedicationAdministration: {
    owner: 'subject',
    releases: both,
    named: medication,
    referred: medicationReference,
    dated: ['effective-time', 'date'],
    searches: {
      status: token('status'),
      code: token(...medication),
      'effective-time': date('effectiveDateTime', 'effectivePeriod'),
      date: date('occurenceDateTime', 'occurencePeriod'),
    },
  },
  MedicationDispense: {
    owner: 'subject',
    releases: both,
    named: medication,
    referred: medicationReference,
    dated: ['whenhandedover'],
    searches: {
      status: token('status'),
      type: token('type'),
      code: token(...medication),
      whenhandedover: date('whenHandedOver'),
      whenprepared: date('whenPrepared'),
    },
  },
  MedicationRequest: {
    owner: 'subject',
    releases: both,
    named: medication,
    referred: medicationReference,
    dated: ['authoredon'],
    searches: {
      status: token('status'),
      intent: token('intent'),
      category: token('category'),
      priority: token('priority'),
      code: token(...medication),
      authoredon: date('authoredOn'),
    },
  },
  MedicationStatement: {
    owner: 'subject',
    releases: both,
    named: medication,
    referred: medicationReference,
    dated: ['effective'],
    searches: {
      status: token('status'),
      category: token('category'),
      code: token(...medication),
      effective: date('effectiveDateTime', 'effectivePeriod'),
    },
  },
  Procedure: {
    owner: 'subject',
    releases: both,
    named: ['code'],
    dated: ['date'],
    searches: {
      status: token('status'),
      category: token('category'),
      code: token('code'),
      date: date(
        'performedDateTime',
        'performedPeriod',
        'occurrenceDateTime',
        'occurrencePeriod',
        'occurrenceTiming',
      ),
    },
  },
  QuestionnaireResponse: {
    owner: 'subject',
    releases: both,
    named: ['questionnaire'],
    dated: ['authored'],
    searches: { status: token('status'), authored: date('authored') },
  },
  ServiceRequest: {
    owner: 'subject',
    releases: both,
    named: ['code', 'code.concept'],
    dated: ['authored'],
    searches: {
      status: token('status'),
      intent: token('intent'),
      priority: token('priority'),
      category: token('category'),
      code: token('code'),
      'code-concept': token('code.concept'),
      authored: date('authoredOn'),
      occurrence: date('occurrenceDateTime', 'occurrencePeriod', 'occurrenceTiming'),
    },
  },
} as const satisfies Readonly<Record<string, CompartmentRule>>

/** A type that `fhir.types` can allow. */
export type CompartmentType = keyof typeof compartment

/** All of them, in the order of the alphabet. */
export const compartmentTypes: readonly CompartmentType[] = Object.keys(compartment).filter(isCompartmentType)

/** Whether a type can be allowed. */
export function isCompartmentType(type: string): type is CompartmentType {
  return Object.hasOwn(compartment, type)
}

/** The rule of a type. */
export function compartmentRule(type: CompartmentType): CompartmentRule {
  return compartment[type]
}

/** The values at a dotted path of a resource, lists walked through. */
export function valuesAt(value: unknown, path: string): unknown[] {
  let found: unknown[] = [value]
  for (const name of path.split('.')) {
    found = found.flatMap((one) =>
      typeof one === 'object' && one !== null && Object.hasOwn(one, name)
        ? [Reflect.get(one, name)].flat()
        : [],
    )
  }
  return found.filter((one) => one !== undefined && one !== null)
}
