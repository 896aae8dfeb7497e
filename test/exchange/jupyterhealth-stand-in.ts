import type { Row } from './hapi-stand-in.ts'
import { json, type LoopbackExchange, startExchange } from './loopback.ts'

/** What the stand-in does wrong, over and above what the real one does. */
export interface JupyterHealthFaults {
  /** Search parameters that it ignores, as the real one does with all that it does not know. */
  readonly ignores?: readonly string[]
  /** Changes each resource on its way out. */
  readonly alters?: (row: Row) => Row
  /** Changes the total. */
  readonly total?: (total: number) => number | undefined
  /** Takes instants for whole days. */
  readonly wholeDays?: boolean
  /** Types that this caller may not search. */
  readonly forbids?: readonly string[]
  /** Changes the list of what a study requested. */
  readonly altersRequests?: (rows: readonly object[]) => unknown
  /** The API beside FHIR is refused to this caller. */
  readonly noApi?: number
}

/** What the stand-in holds: members of studies (ids) and of organizations, and rows that can be changed. */
export interface JupyterHealthData {
  readonly studies: Readonly<Record<string, readonly string[]>>
  readonly organizations: Readonly<Record<string, readonly string[]>>
  /** Codes that studies requested: of their patients' observations only these are the study's. */
  readonly requested: Readonly<Record<string, readonly string[]>>
  readonly rows: Row[]
}

/** A code as the exchange has it. */
export const code = (name: string) => ({ system: 'https://w3id.org/openmhealth', code: name })

/** An observation as the exchange gives it: a value in an attachment that is not decoded here. */
export function reading(
  id: number,
  patient: number,
  codes: readonly string[],
  effective: Record<string, unknown>,
  status = 'final',
): Row {
  return {
    resourceType: 'Observation',
    id: String(id),
    status,
    code: { coding: codes.map(code) },
    subject: { reference: `Patient/${patient}` },
    ...effective,
  }
}

/**
 * Three patients in a study that requested all there is, two of them in an organization, and in a study that requested one type
 * alone; a fourth one, whom nobody here may see.
 */
export function data(): JupyterHealthData {
  const patients = [1, 2, 3, 4].map(
    (n): Row => ({
      resourceType: 'Patient',
      id: String(40 + n),
      identifier: [{ system: 'urn:mrn', value: `NL-${n}` }],
      name: [{ family: `Fernwick${n}`, given: ['Isolde'] }],
      birthDate: `195${n}-06-15`,
    }),
  )
  const groups = ['30', '31', '32'].map(
    (id): Row => ({
      resourceType: 'Group',
      id,
      name: `Study ${id}`,
      type: { coding: [{ system: 'https://jupyterhealth.org/fhir/CodeSystem/model', code: 'study' }] },
    }),
  )
  const other: Row = { resourceType: 'Group', id: '39', name: 'Ward', type: { coding: [{ code: 'ward' }] } }
  const readings = Array.from({ length: 12 }, (_, index) => {
    const day = String(index + 1).padStart(2, '0')
    const at = `2026-10-${day}T12:00:00Z`
    return index % 3 === 0
      ? reading(601 + index, 41, ['sleep:1'], { effectivePeriod: { start: at, end: '2027-01-01T00:00:00Z' } })
      : reading(601 + index, 41, ['rate:1'], { effectiveDateTime: at })
  })
  return {
    studies: { '30': ['41', '42', '43'], '31': ['44'], '32': ['41', '42'] },
    requested: { '30': ['sleep:1', 'rate:1', 'rate:2'], '31': ['rate:1'], '32': ['sleep:1'] },
    organizations: { '20': ['41', '42'] },
    rows: [
      ...patients,
      ...groups,
      other,
      ...readings,
      reading(620, 41, ['rate:1'], {}),
      reading(621, 42, ['rate:2'], { effectiveDateTime: '2026-10-02T12:00:00Z' }),
      reading(622, 42, ['rate:2'], { effectiveDateTime: '2026-10-03T12:00:00Z' }, 'entered-in-error'),
      reading(623, 44, ['rate:1'], { effectiveDateTime: '2026-10-02T12:00:00Z' }),
    ],
  }
}

const within = 'patient._has:Group:member:_id'

/** A JupyterHealth Exchange on loopback, with its ways: what it does not know, and every POST, answers everything. */
export async function startJupyterHealth(
  faults: JupyterHealthFaults = {},
  { studies, organizations, requested, rows }: JupyterHealthData = data(),
): Promise<LoopbackExchange> {
  const exchange = await startExchange((response, { method, url }) => {
    const { pathname, searchParams } = new URL(url, 'http://loopback')
    if (pathname.startsWith('/api/v1/')) {
      if (faults.noApi !== undefined) return json(response, { detail: 'no' }, faults.noApi)
      const path = pathname.slice('/api/v1/'.length)
      const asked = /^studies\/(\d+)\/scope_requests$/.exec(path)?.[1]
      if (asked !== undefined) return json(response, scopeRequests(asked, requested[asked] ?? [], faults))
      return json(response, apiAnswer(path, Object.keys(studies)))
    }
    const [type = '', id] = pathname
      .replace('/FHIR/R5', '')
      .split('/')
      .filter((part) => part !== '')
    if (type === 'metadata') return json(response, statement)
    const ofType = rows.filter((row) => row.resourceType === type)
    if (id !== undefined && id !== '_search') {
      const found = ofType.find((row) => row.id === id)
      return found ? json(response, altered(found, faults)) : json(response, outcome, 404)
    }
    if (faults.forbids?.includes(type)) return json(response, outcome, 403)
    const query = method === 'POST' ? new URLSearchParams() : read(searchParams)
    for (const ignored of faults.ignores ?? []) query.delete(ignored)
    const refused = refusal(query, rows, studies, organizations)
    if (refused !== undefined) return json(response, outcome, refused)
    const found = ofType.filter((row) => matches(row, query, { studies, organizations, requested }, faults))
    const total = faults.total === undefined ? found.length : faults.total(found.length)
    const bundle = { resourceType: 'Bundle', type: 'searchset', ...(total === undefined ? {} : { total }) }
    if (query.get('_summary') === 'count') return json(response, { ...bundle, entry: [] })
    const size = Math.min(Number(query.get('_count') ?? 20) || 20, 1000)
    const start = (Number(query.get('_page') ?? 1) - 1) * size
    if (start > 0 && start >= found.length) return json(response, outcome, 404)
    const shown = sorted(found, query.get('_sort') ?? '').slice(start, start + size)
    const next = [{ relation: 'next', url: 'http://elsewhere/FHIR/R5/Patient?_page=2' }]
    json(response, {
      ...bundle,
      link: start + size < found.length ? next : [],
      entry: shown.map((row) => ({ resource: altered(row, faults) })),
    })
  })
  return { ...exchange, baseUrl: `${exchange.origin}/FHIR/R5` }
}

/** The exchange compares the code that it knows an observation by. */
function isRequested(row: Row, codes: readonly string[] = []): boolean {
  return codes.some((one) => JSON.stringify(row.code).includes(JSON.stringify(code(one))))
}

/** What a study requested: to whoever is signed in, and with much of the study. */
function scopeRequests(
  id: string,
  codes: readonly string[],
  { altersRequests }: JupyterHealthFaults,
): unknown {
  const rows = codes.map((name, at) => ({
    id: at + 1,
    study: { id: Number(id), name: `Study ${id}`, patients: [41, 42] },
    scopeCode: { id: at + 1, codingSystem: code(name).system, codingCode: name, text: `The ${name}` },
  }))
  return altersRequests === undefined ? rows : altersRequests(rows)
}

function apiAnswer(path: string, studies: readonly string[]) {
  const details = (id: string) => ({
    id: Number(id),
    name: `Study ${id}`,
    description: `About ${id}`,
    organization: { id: 20, name: 'Northlake', type: 'prov' },
  })
  const [, id] = path.split('/')
  return id === undefined ? { count: studies.length, results: studies.map(details) } : details(id)
}

/** Of a parameter that says whose rows are meant, the last value counts. */
function read(asked: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams(asked)
  for (const name of ['patient', within, 'patient.organization']) {
    const last = query.getAll(name).at(-1)
    if (last !== undefined) query.set(name, last)
  }
  return query
}

function refusal(
  query: URLSearchParams,
  rows: readonly Row[],
  studies: JupyterHealthData['studies'],
  organizations: JupyterHealthData['organizations'],
): number | undefined {
  const known: Record<string, (id: string) => boolean> = {
    patient: (id) => rows.some((row) => row.resourceType === 'Patient' && row.id === id),
    [within]: (id) => id in studies,
    'patient.organization': (id) => id in organizations,
  }
  for (const [name, exists] of Object.entries(known)) {
    const value = query.get(name)
    if (value === null || value === '') continue
    if (!/^\d+$/.test(value)) return 422
    if (!exists(value)) return 403
  }
  return undefined
}

function matches(
  row: Row,
  query: URLSearchParams,
  { studies, organizations, requested }: Omit<JupyterHealthData, 'rows'>,
  faults: JupyterHealthFaults,
): boolean {
  const subject = JSON.stringify(row.subject ?? '').match(/Patient\/(\d+)/)?.[1] ?? row.id
  const start = startOf(row)
  return [...query].every(([name, value]) => {
    if (value === '') return true
    switch (name) {
      case '_id':
        return row.id === value
      case 'patient':
        return subject === value
      case within:
        if (row.resourceType === 'Group') return row.id === value
        return (
          studies[value]?.includes(subject) && (row.code === undefined || isRequested(row, requested[value]))
        )
      case 'patient.organization':
        return row.resourceType === 'Group' || organizations[value]?.includes(subject)
      case 'status':
        return row.status === value
      case '_source:below':
        return sourceOf(row).startsWith(value)
      case 'code':
        return JSON.stringify(row.code).includes(
          `{"system":"${value.split('|')[0]}","code":"${value.split('|')[1]}"}`,
        )
      case 'date': {
        const text = faults.wholeDays ? value.slice(2, 12) : value.slice(2)
        const bound = Date.parse(text)
        const own = faults.wholeDays && start !== undefined ? start - (start % 86_400_000) : start
        if (own === undefined) return false
        if (value.startsWith('ge')) return own >= bound
        return faults.wholeDays ? own <= bound : own < bound
      }
      case 'birthdate': {
        const [, prefix = '', date = ''] = /^(ge|le|gt|lt)?(.*)$/.exec(value) ?? []
        const born = String(row.birthDate)
        if (prefix === 'ge' || prefix === 'gt') return prefix === 'ge' ? born >= date : born > date
        return prefix === 'lt' ? born < date : prefix === 'le' ? born <= date : born === date
      }
      case 'identifier':
        return (
          !value.includes('|') || JSON.stringify(row.identifier).includes(`"value":"${value.split('|')[1]}"`)
        )
      case 'name':
      case 'family':
      case 'given': {
        const names = Array.isArray(row.name) ? row.name : []
        const texts: string[] = names.flatMap((one) => [
          ...(name === 'given' ? [] : [one.family]),
          ...(name === 'family' ? [] : one.given),
        ])
        return texts.some((text) => text.toLowerCase().startsWith(value.toLowerCase()))
      }
      default:
        return true
    }
  })
}

/** Nothing here was imported, unless a row says so. */
function sourceOf({ meta }: Row): string {
  return String((meta as { source?: unknown } | undefined)?.source ?? 'https://jupyterhealth.org/jhe')
}

function startOf({ effectiveDateTime, effectivePeriod }: Row): number | undefined {
  const text = effectiveDateTime ?? (effectivePeriod as { start?: string } | undefined)?.start
  return typeof text === 'string' ? Date.parse(text) : undefined
}

function sorted(found: Row[], sort: string): Row[] {
  if (sort !== 'date' && sort !== '-date') return found
  const sign = sort === 'date' ? 1 : -1
  return found.sort((a, b) => {
    const [first, second] = [startOf(a), startOf(b)]
    if (first === undefined || second === undefined)
      return Number(first === undefined) - Number(second === undefined)
    return sign * (first - second) || Number(a.id) - Number(b.id)
  })
}

function altered(row: Row, { alters }: JupyterHealthFaults): Row {
  return alters === undefined ? row : alters(structuredClone(row))
}

const statement = {
  resourceType: 'CapabilityStatement',
  fhirVersion: '5.0.0',
  software: { name: 'JupyterHealth Exchange' },
  rest: [
    {
      mode: 'server',
      resource: [
        { type: 'Group', searchParam: [{ name: '_id' }] },
        {
          type: 'Observation',
          searchParam: ['category', 'code', 'date', 'status'].map((name) => ({ name })),
        },
        {
          type: 'Patient',
          searchParam: ['birthdate', 'family', 'given', 'identifier', 'name'].map((name) => ({ name })),
        },
      ],
    },
  ],
}

const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing' }] }
