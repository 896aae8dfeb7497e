import { alternatives, type Reach, separators, type ValueRule, type WireRules } from './wire.ts'

const all =
  (holds: (one: string, reach: Reach) => boolean): ValueRule =>
  (value, reach) =>
    alternatives(value).every((one) => holds(one, reach))
const one =
  (holds: (one: string, reach: Reach) => boolean): ValueRule =>
  (value, reach) =>
    holds(value, reach)
const named =
  (type: string, kind: 'studies' | 'organizations' | 'patients') => (value: string, reach: Reach) =>
    value.startsWith(`${type}/`) && reach[kind].has(value.slice(type.length + 1))

/** Any of some words, each without a system or a part of a composite. */
const words: ValueRule = (value) =>
  alternatives(value).every((part) => separators(part, '|') === 0 && separators(part, '$') === 0)
const token: ValueRule = (value) =>
  alternatives(value).length === 1 && separators(value, '|') <= 1 && separators(value, '$') === 0
const tokens: ValueRule = (value) => alternatives(value).every((part) => separators(part, '|') === 1)
const day: ValueRule = (value) => /^(eq|ge|le|gt|lt)?\d{4}(-\d{2}(-\d{2})?)?$/.test(value)
const instant: ValueRule = (value) => /^(ge|lt)-?\d{4,6}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(value)
const someTokens: ValueRule = (value) =>
  alternatives(value).every((part) => separators(part, '|') <= 1 && separators(part, '$') === 0)
const when: ValueRule = (value) =>
  /^(eq|ge|le|gt|lt)?\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?$/.test(value)
/** A type of the record is searched within one patient, by id and by conditions of its list. */
const ofRecord = (filters: Readonly<Record<string, ValueRule>>) => ({
  read: () => false,
  within: { patient: one(named('Patient', 'patients')) },
  filters: { _id: (value: string) => /^[A-Za-z0-9\-.]{1,64}$/.test(value), ...filters },
  controls: isControl,
})
const statuses: ValueRule = (value) => /^(entered-in-error|cancelled)(,cancelled)?$/.test(value)

const impossible = new Set([
  'patient=Patient/no-such-patient-0',
  'patient=0',
  'patient.organization=0',
  'code=urn:control:none|none',
  'combo-code=urn:control:none|none',
  'category=urn:control:none|none',
  'date=ge9998-12-31T00:00:00Z',
  'date=ge9998-12-31',
  'date=lt1000-01-01T00:00:00Z',
  'date=lt1000-01-01',
  'status=no-such-status',
])
const isControl = (pairs: readonly (readonly [string, string])[]) =>
  pairs.length === 1 && pairs.every(([name, value]) => impossible.has(`${name}=${value}`))

/** HAPI is asked for nothing else than this. */
export const hapiRules: WireRules = {
  base: '/fhir',
  plain(path, reach) {
    if (
      /^\/fhir\/metadata(\?(_elements|_pretty|_summary)=[\w,.]+(&(_elements|_pretty)=[\w,.]+)*)?$/.test(
        decodeURIComponent(path),
      )
    )
      return true
    if (!path.startsWith('/fhir?')) return false
    const query = new URLSearchParams(path.slice('/fhir?'.length))
    const names = ['_getpages', '_getpagesoffset', '_count', '_pretty', '_bundletype', '_elements']
    return (
      [...query.keys()].every((name) => names.includes(name)) && reach.pages.has(query.get('_getpages') ?? '')
    )
  },
  types: {
    ResearchStudy: {
      read: (id, reach) => reach.studies.has(id),
      within: { _id: all((id, reach) => reach.studies.has(id)) },
      filters: {},
    },
    ResearchSubject: {
      read: () => false,
      within: { study: one(named('ResearchStudy', 'studies')) },
      filters: {},
    },
    Patient: {
      read: (id, reach) => reach.patients.has(id),
      within: {
        _id: all((id, reach) => reach.patients.has(id)),
        organization: one(named('Organization', 'organizations')),
      },
      filters: { name: words, family: words, given: words, birthdate: day, identifier: token },
    },
    Observation: {
      read: () => false,
      within: { patient: all(named('Patient', 'patients')) },
      filters: {
        code: tokens,
        'combo-code': tokens,
        date: instant,
        status: statuses,
        _id: words,
      },
      controls: isControl,
    },
    Condition: ofRecord({
      'clinical-status': someTokens,
      'verification-status': someTokens,
      category: someTokens,
      severity: someTokens,
      code: someTokens,
      'onset-date': when,
      'abatement-date': when,
      'recorded-date': when,
    }),
    Encounter: ofRecord({ status: someTokens, class: someTokens, type: someTokens, date: when }),
  },
}

/** The JupyterHealth Exchange takes no alternatives and no escapes: a comma means "or" in it, everywhere. */
const single =
  (holds: (one: string, reach: Reach) => boolean): ValueRule =>
  (value, reach) =>
    !value.includes(',') && holds(value, reach)

/** Where imported records come from, and the control of it. */
const sources = new Set([
  'https://jupyterhealth.org/fhir/fhir-source',
  'https://jupyterhealth.org/control/none',
])

/** A type of imported records is asked for of one patient whose records may be, by an id of the exchange at most. */
const imported = {
  read: () => false,
  within: { patient: single((id, reach) => reach.records?.has(id) === true) },
  filters: { _id: single((id) => /^[0-9a-f-]{36}$/.test(id)) },
}

/** The exchange does not narrow imported observations to a study: they are asked for by patients of an organization alone. */
function importsWithinReach(pairs: readonly (readonly [string, string])[], reach: Reach): boolean {
  if (!pairs.some(([name]) => name === '_source:below')) return true
  return pairs.some(
    ([name, value]) =>
      (name === 'patient' && reach.records?.has(value) === true) ||
      (name === 'patient.organization' && reach.organizations.has(value)),
  )
}

/** A JupyterHealth Exchange is asked for nothing else than this. */
export const jupyterHealthRules: WireRules = {
  base: '/FHIR/R5',
  plain(path, reach) {
    const study = /^\/api\/v1\/studies\/(\d+)(\/scope_requests)?$/.exec(path)?.[1]
    if (study !== undefined) return reach.studies.has(study)
    // Its list of all codes names nobody.
    if (path === '/api/v1/data_sources/all_scopes') return true
    return (
      path === '/api/v1/studies?page_size=1000' || /^\/FHIR\/R5\/metadata(\?_elements=[\w,.%]+)?$/.test(path)
    )
  },
  types: {
    // Of several studies it is asked by the list of all that it lets the caller see: that names none.
    Group: {
      read: (id, reach) => reach.studies.has(id),
      within: {},
      filters: { _id: single((id, reach) => reach.studies.has(id)) },
    },
    Patient: {
      read: (id, reach) => reach.patients.has(id),
      within: {
        _id: single((id, reach) => reach.patients.has(id)),
        'patient._has:Group:member:_id': single((id, reach) => reach.studies.has(id)),
        'patient.organization': single((id, reach) => reach.organizations.has(id)),
      },
      filters: {
        name: single(() => true),
        family: single(() => true),
        given: single(() => true),
        birthdate: single(day),
        identifier: single((value) => value.includes('|')),
      },
    },
    Condition: imported,
    Goal: imported,
    Medication: imported,
    MedicationRequest: imported,
    // A control names one place that nobody can have, beside the others of the search.
    Observation: {
      read: () => false,
      within: {
        patient: single((id, reach) => id === '0' || reach.patients.has(id)),
        'patient._has:Group:member:_id': single((id, reach) => id === '0' || reach.studies.has(id)),
        'patient.organization': single((id, reach) => id === '0' || reach.organizations.has(id)),
      },
      filters: {
        code: single((value) => value.includes('|')),
        date: single(instant),
        status: single(notCounted),
        '_source:below': single((value) => sources.has(value)),
      },
      together: importsWithinReach,
      controls: (pairs) => isControl(pairs) || isAnyNotCounted(pairs),
    },
  },
}

/** Of all that the exchange lets the caller see, how many have such a status: that names nobody. */
function isAnyNotCounted(pairs: readonly (readonly [string, string])[]): boolean {
  return pairs.length === 1 && pairs.every(([name, value]) => name === 'status' && notCounted(value))
}

function notCounted(value: string): boolean {
  return value === 'entered-in-error' || value === 'cancelled'
}
