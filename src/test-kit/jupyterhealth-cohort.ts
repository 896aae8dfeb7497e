/** An organization of a JupyterHealth Exchange. */
export interface JupyterHealthOrganization {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly partOf: number | null
}

/** Somebody who may sign in. */
export interface JupyterHealthUser {
  readonly id: number
  readonly name: string
  /** The opaque access token that the stand-in takes for this user. */
  readonly token: string
  readonly superuser: boolean
  /** Role by organization id. */
  readonly roles: Readonly<Record<number, string>>
  /** The patient that this user is, if it is one. */
  readonly patient?: number
}

/** A study. `codes` are the data types that it asked for: only those are found through the study. */
export interface JupyterHealthStudy {
  readonly id: number
  readonly name: string
  readonly description: string
  readonly organization: number
  readonly patients: number[]
  readonly codes: readonly string[]
}

export interface JupyterHealthPatient {
  readonly id: number
  readonly userId: number
  readonly organizations: readonly number[]
  readonly family: string
  readonly given: string
  readonly birthDate: string
  readonly identifier: { readonly system: string; readonly value: string }
}

/** An observation with its Open mHealth body. `effective` is left out for one that was loaded in bulk. */
export interface JupyterHealthObservation {
  readonly id: number
  readonly patient: number
  readonly status: string
  readonly system: string
  readonly code: string
  readonly display: string
  readonly effective?: string | { readonly start: string; readonly end: string }
  readonly body: Readonly<Record<string, unknown>>
}

/** A record that was imported from another FHIR server. */
export interface JupyterHealthImport {
  /** A UUID, which the exchange gives it. */
  readonly id: string
  /** Number of the server that it came from. */
  readonly source: number
  readonly patient: number
  readonly type: string
  /** What that server said, with its own ids: the subject is not the patient's id here. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What a JupyterHealth stand-in serves. */
export interface JupyterHealthCohort {
  readonly organizations: JupyterHealthOrganization[]
  readonly users: JupyterHealthUser[]
  readonly studies: JupyterHealthStudy[]
  readonly patients: JupyterHealthPatient[]
  readonly observations: JupyterHealthObservation[]
  readonly imports: JupyterHealthImport[]
}

/** The system of a code: the exchange knows those of Open mHealth and of IEEE 1752. */
export function systemOf(code: string): string {
  return `https://w3id.org/${code.startsWith('ieee:') ? 'ieee1752' : 'openmhealth'}`
}

const northlake = 20009
const harbor = 20010

const heartRate = 'omh:heart-rate:2.0'
const glucose = 'omh:blood-glucose:4.0'
const pressure = 'omh:blood-pressure:4.0'
const steps = 'omh:step-count:3.0'
const sleep = 'omh:sleep-duration:2.0'

const people: readonly (readonly [family: string, given: string, birthDate: string])[] = [
  ['Fernwick', 'Isolde', '1941-01-01'],
  ['Alderbrook', 'Teodor', '1948-06-12'],
  ['Quillon', 'Marisca', '1955-11-23'],
  ['Marshgate', 'Bram', '1962-04-06'],
  ['Okonte', 'Yuna', '1969-09-17'],
  ['Windermoor', 'Oskar', '1976-02-28'],
  ['Tessarin', 'Liviana', '1983-07-11'],
  ['Holloway-Reed', 'Casimir', '1990-12-22'],
  ['Brackenfield', 'Perrin', '1997-05-05'],
  ['Sandoval-Ito', 'Adaeze', '1944-10-16'],
  ['Greystone', 'Silvan', '1951-03-27'],
  ['Larkspur', 'Noemi', '1958-08-10'],
  ['Penhallow', 'Ruben', '1965-01-21'],
  ['Dunmarrow', 'Thandi', '1972-06-04'],
  ['Ashdown', 'Mirela', '1979-03-15'],
  ['Calloway', 'Joaquin', '1986-08-26'],
  ['Evenmere', 'Solveig', '1993-01-06'],
  ['Foxglove', 'Anselm', '1947-06-18'],
  ['Hartwell', 'Ngozi', '1954-11-29'],
  ['Ironwood', 'Leander', '1961-04-11'],
  ['Juniper', 'Salome', '1968-09-22'],
  ['Kestrel', 'Dragan', '1975-02-02'],
  ['Lindenau', 'Pilar', '1982-07-16'],
  ['Merriweather', 'Kofi', '1989-12-27'],
]

/**
 * The synthetic cohort of the JupyterHealth stand-in: the organizations Northlake Clinic (20009; studies 30006 and 30007)
 * and Harbor Research Group (20010; study 30008), patients 40006–40019 and 40019–40029, their users, and 5,800
 * observations. Patient 40019 belongs to both, 40006 has 1,200 observations, the others 200. Nothing was imported.
 */
export function jupyterHealthCohort(): JupyterHealthCohort {
  const patients = people.map(([family, given, birthDate], index) => ({
    id: 40006 + index,
    userId: 10020 + index,
    organizations: index < 13 ? [northlake] : index === 13 ? [northlake, harbor] : [harbor],
    family,
    given,
    birthDate,
    identifier:
      index < 14
        ? { system: 'https://northlake.example/mrn', value: `NL-${1000 + index}` }
        : { system: 'https://harbor.example/mrn', value: `HB-${1000 + index}` },
  }))
  return {
    organizations: [
      { id: 0, name: 'ROOT', type: 'root', partOf: null },
      { id: 20001, name: 'Planetary Research Institute', type: 'edu', partOf: 0 },
      { id: northlake, name: 'Northlake Clinic', type: 'prov', partOf: 0 },
      { id: harbor, name: 'Harbor Research Group', type: 'laboratory', partOf: 0 },
    ],
    users: users(),
    studies: studies(),
    patients,
    observations: patients.flatMap((patient, index) => observationsOf(patient.id, index)),
    imports: [],
  }
}

function users(): JupyterHealthUser[] {
  const rows: [id: number, name: string, roles: Record<number, string>][] = [
    [10012, 'northlake_manager', { [northlake]: 'manager' }],
    [10013, 'northlake_member', { [northlake]: 'member' }],
    [10014, 'northlake_viewer', { [northlake]: 'viewer' }],
    [10015, 'harbor_manager', { [harbor]: 'manager' }],
    [10016, 'harbor_member', { [harbor]: 'member' }],
    [10018, 'both_member', { [northlake]: 'member', [harbor]: 'viewer' }],
    [10019, 'no_org', {}],
  ]
  const practitioners = rows.map(([id, name, roles]) => ({
    id,
    name,
    token: tokenFor(name),
    superuser: false,
    roles,
  }))
  const superuser = { id: 10001, name: 'admin', token: tokenFor('admin'), superuser: true, roles: {} }
  const patient = { id: 10020, name: 'patient01', token: tokenFor('patient01'), superuser: false, roles: {} }
  return [...practitioners, superuser, { ...patient, patient: 40006 }]
}

/** Opaque, and 30 characters long as the real ones. */
function tokenFor(name: string): string {
  return `stand-in-${name}`.padEnd(30, 'x')
}

function studies(): JupyterHealthStudy[] {
  const span = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const all = [heartRate, glucose, pressure, steps, sleep]
  return [
    {
      id: 30006,
      name: 'Northlake Cardiometabolic Study',
      description: 'Heart rate, glucose, pressure, steps, sleep',
      organization: northlake,
      patients: [...span(40006, 40015), 40019],
      codes: all,
    },
    {
      id: 30007,
      name: 'Northlake Sleep and Steps Study',
      description: 'Step count and sleep only',
      organization: northlake,
      patients: span(40012, 40019),
      codes: [steps, sleep],
    },
    {
      id: 30008,
      name: 'Harbor Glucose Study',
      description: 'Harbor cohort',
      organization: harbor,
      patients: span(40019, 40029),
      codes: all,
    },
  ]
}

const first = Date.UTC(2026, 8, 21)
const days = 60
const day = 86_400_000

function observationsOf(patient: number, index: number): JupyterHealthObservation[] {
  const heartRates = index === 0 ? 1060 : 60
  let id = index === 0 ? 60010 : 61210 + (index - 1) * 200
  /** A small number that depends on nothing but the observation. */
  const pick = (size: number) => (id * 7919 + patient * 31) % size
  const row = (
    code: string,
    display: string,
    effective: string | { start: string; end: string },
    measured: Record<string, unknown>,
  ) => {
    const frame =
      typeof effective === 'string'
        ? { date_time: effective }
        : { time_interval: { start_date_time: effective.start, end_date_time: effective.end } }
    const body = { ...measured, effective_time_frame: frame }
    const system = 'https://w3id.org/openmhealth'
    const made = { id, patient, status: 'final', system, code, display, effective, body }
    id += 1
    return made
  }
  const at = (step: number, steps: number) => iso(first + Math.floor(((step + 0.4) * days * day) / steps))
  /** Thirty days, first and last of the span among them. */
  const dayOf = (step: number) => first + Math.round((step * (days - 1)) / 29) * day
  const night = (step: number) => {
    const start = dayOf(step) + 22 * 3_600_000 + pick(60) * 60_000
    return { start: iso(start), end: iso(start + (18_000 + pick(12_000)) * 1000) }
  }
  const wholeDay = (step: number) => {
    const start = dayOf(step)
    return { start: iso(start), end: iso(start + day - 1000) }
  }
  const times = (count: number) => Array.from({ length: count }, (_, step) => step)
  return [
    ...times(heartRates).map((step) =>
      row(heartRate, 'Heart Rate', at(step, heartRates), {
        heart_rate: { unit: 'beats/min', value: 55 + pick(500) / 10 },
      }),
    ),
    ...times(50).map((step) =>
      row(glucose, 'Blood glucose', at(step, 50), {
        blood_glucose: { unit: 'mg/dL', value: 80 + pick(120) },
      }),
    ),
    ...times(30).map((step) =>
      row(pressure, 'Blood pressure', at(step, 30), {
        systolic_blood_pressure: { unit: 'mmHg', value: 105 + pick(50) },
        diastolic_blood_pressure: { unit: 'mmHg', value: 62 + pick(35) },
      }),
    ),
    ...times(30).map((step) =>
      row(steps, 'Step count', wholeDay(step), {
        step_count: { unit: 'steps', value: 1000 + pick(13_000) },
        descriptive_statistic: 'sum',
        descriptive_statistic_denominator: 'd',
      }),
    ),
    ...times(30).map((step) =>
      row(sleep, 'Sleep duration', night(step), {
        sleep_duration: { unit: 'sec', value: 18_000 + pick(12_000) },
      }),
    ),
  ]
}

function iso(milliseconds: number): string {
  return new Date(milliseconds)
    .toISOString()
    .replace('.000Z', 'Z')
    .replace(/\.\d+Z$/, 'Z')
}
