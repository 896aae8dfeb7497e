import type { FhirVersion } from '../../src/fhir/types.ts'
import { formPairs } from '../../src/test-kit/form.ts'
import { type Arrival, json, type LoopbackExchange, startExchange } from './loopback.ts'

/** A resource of the stand-in. */
export type Row = Record<string, unknown> & { resourceType: string; id: string }

/** What the stand-in does wrong. */
export interface Faults {
  /** Search parameters that are ignored silently. */
  readonly ignores?: readonly string[]
  /** Search parameters that it takes and finds nothing by. */
  readonly empties?: readonly string[]
  /** Search parameters that its metadata does not list. */
  readonly lacks?: readonly string[]
  /** Searches with a value that holds this text are refused with 400. */
  readonly refuses?: string
  /** Changes each resource on its way out. */
  readonly alters?: (row: Row) => Row
  /** Changes the total. */
  readonly total?: (total: number) => number | undefined
  /** Entries that come on top. */
  readonly adds?: readonly unknown[]
  /** Elements that it leaves out of rows that were asked for by `_elements`. */
  readonly withholds?: readonly string[]
  /** Gives the same next link for ever. */
  readonly loops?: boolean
  /** Largest page, whatever `_count` says. */
  readonly largestPage?: number
  /** Of this search parameter's values it heeds the first alone. */
  readonly onlyFirst?: string
  /** Searches by form are refused with this status. */
  readonly refusesPost?: number
  /** Total and links are wrong of searches for several patients alone. */
  readonly ofSeveral?: boolean
}

/** Rows of the cohort: two studies, an organization, six patients and their observations. */
export function cohort(version: FhirVersion): Row[] {
  const person = version === 'R4' ? 'individual' : 'subject'
  const subject = (study: string, patient: string, state: string, suffix = ''): Row => ({
    resourceType: 'ResearchSubject',
    id: `rs-${study}-${patient}${suffix}`,
    identifier: [{ system: 'urn:codes', value: `${study}-${patient}`.toUpperCase() }],
    study: { reference: `ResearchStudy/${study}` },
    [person]: { reference: `Patient/${patient}` },
    period: { start: '2026-01-01' },
    ...(version === 'R4'
      ? { status: state }
      : {
          status: 'active',
          progress: [{ subjectState: { coding: [{ code: state }] }, startDate: '2026-01-01' }],
        }),
  })
  const patient = (n: number, organization?: string): Row => ({
    resourceType: 'Patient',
    id: `p${n}`,
    identifier: [{ system: 'urn:mrn', value: `M${n}` }],
    name: [{ family: `Ångström${n}`, given: ['Ada'] }],
    birthDate: `195${n}-06-15`,
    ...(organization ? { managingOrganization: { reference: `Organization/${organization}` } } : {}),
  })
  return [
    { resourceType: 'ResearchStudy', id: 's1', title: 'One', status: 'active' },
    { resourceType: 'ResearchStudy', id: 's2', title: 'Two', status: 'active' },
    patient(1, 'o1'),
    patient(2, 'o1'),
    patient(3),
    patient(4),
    patient(5),
    subject('s1', 'p1', 'on-study'),
    subject('s1', 'p2', 'on-study'),
    subject('s1', 'p3', 'withdrawn'),
    subject('s1', 'p4', 'withdrawn', '-before'),
    subject('s1', 'p4', 'on-study'),
    subject('s2', 'p5', 'on-study'),
    ...observations('p1', 12),
    ...observations('p5', 4),
  ]
}

/** Observations of a patient, one a day from 1 October on, codes a and b in turn; the last one has no date. */
export function observations(patient: string, days: number): Row[] {
  const dated = Array.from({ length: days }, (_, index): Row => {
    const day = String(index + 1).padStart(2, '0')
    return observation(`${patient}-${day}`, patient, index % 2 === 0 ? 'a' : 'b', {
      status: index === 0 ? 'entered-in-error' : 'final',
      effectiveDateTime: `2026-10-${day}T12:00:00Z`,
    })
  })
  return [...dated, observation(`${patient}-undated`, patient, 'a', {})]
}

/** One observation. */
export function observation(id: string, patient: string, code: string, more: Record<string, unknown>): Row {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ system: 'urn:categories', code: 'vital-signs' }] }],
    code: { coding: [{ system: 'urn:types', code }] },
    subject: { reference: `Patient/${patient}` },
    ...more,
  }
}

/** A server of the HAPI kind on loopback: it searches the rows for real, except for its faults. */
export async function startHapi(
  version: FhirVersion,
  faults: Faults = {},
  rows: readonly Row[] = cohort(version),
): Promise<LoopbackExchange> {
  const results = new Map<string, readonly Row[]>()
  const ofSeveral = new Set<string>()
  return startExchange((response, arrival) => {
    const { path, query } = asked(arrival)
    const [type = '', id] = path.split('/').filter((part) => part !== '')
    if (type === 'metadata') return json(response, statement(version, faults.lacks ?? []))
    if (id !== undefined && id !== '_search') {
      const found = rows.find((row) => row.resourceType === type && row.id === id)
      return found ? json(response, altered(found, faults)) : json(response, outcome, 404)
    }
    const { refuses } = faults
    if (refuses !== undefined && [...query.values()].some((value) => value.includes(refuses))) {
      return json(response, outcome, 400)
    }
    if (id === '_search' && faults.refusesPost !== undefined) {
      return json(response, outcome, faults.refusesPost)
    }
    const token = query.get('_getpages') ?? `list-${results.size + 1}`
    if (query.has('_getpages') && !results.has(token)) return json(response, outcome, 410)
    const found = results.get(token) ?? sorted(search(rows, type, query, faults), query, faults)
    results.set(token, found)
    if (query.get('patient')?.includes(',')) ofSeveral.add(token)
    const { total: _, loops: __, ...others } = faults
    const isRight = faults.ofSeveral === true && !ofSeveral.has(token)
    return json(response, page(found, token, query, isRight ? others : faults))
  })
}

function page(found: readonly Row[], token: string, query: URLSearchParams, faults: Faults) {
  const total = faults.total === undefined ? found.length : faults.total(found.length)
  const withTotal = total === undefined ? {} : { total }
  if (query.get('_summary') === 'count') return { resourceType: 'Bundle', type: 'searchset', ...withTotal }
  const count = Math.min(Number(query.get('_count') ?? 20), faults.largestPage ?? 10_000)
  const offset = Number(query.get('_getpagesoffset') ?? 0)
  const end = offset + count
  // As behind a proxy: the links name a host that is not the configured one.
  const elements = query.get('_elements')?.split(',')
  const kept = elements === undefined ? '' : `&_elements=${elements.toSorted().join(',')}`
  const next = `http://inside:8080/fhir?_getpages=${token}&_getpagesoffset=${faults.loops ? 0 : end}&_count=${count}${kept}`
  const entry = found
    .slice(offset, end)
    .map((row) => ({ resource: cut(altered(row, faults), elements, faults), search: { mode: 'match' } }))
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...withTotal,
    link: end < found.length || faults.loops ? [{ relation: 'next', url: next }] : [],
    entry: [...entry, ...(faults.adds ?? [])],
  }
}

/** A row with the elements that were asked for, and those that have to be there. */
function cut(row: Row, elements: readonly string[] | undefined, { withholds = [] }: Faults): Row {
  if (elements === undefined) return row
  const asked = [...elements, 'id', 'status', 'code']
  const isAsked = (name: string) =>
    asked.some((one) => one === name || (one === 'effective' && /^effective[A-Z]/.test(name)))
  const { resourceType, id } = row
  const kept = Object.entries(row).filter(([name]) => isAsked(name) && !withholds.includes(name))
  return { ...Object.fromEntries(kept), resourceType, id }
}

function altered(row: Row, faults: Faults): Row {
  return faults.alters === undefined ? row : faults.alters(structuredClone(row))
}

function asked({ url, headers, body }: Arrival): { path: string; query: URLSearchParams } {
  const { pathname, search: query } = new URL(url, 'http://loopback')
  const path = pathname.replace(/^\/fhir/, '')
  const form = formPairs(headers['content-type'], body)
  return { path, query: new URLSearchParams(path.endsWith('/_search') ? form : query) }
}

function search(rows: readonly Row[], type: string, query: URLSearchParams, faults: Faults): Row[] {
  const conditions = [...query].filter(
    ([name]) => (name === '_id' || !name.startsWith('_')) && !faults.ignores?.includes(name),
  )
  const heeded = conditions.map(([name, value]) => {
    return [name, name === faults.onlyFirst ? (value.split(',')[0] ?? '') : value] as const
  })
  if (heeded.some(([name]) => faults.empties?.includes(name))) return []
  return rows.filter(
    (row) => row.resourceType === type && heeded.every(([name, value]) => matches(row, name, value)),
  )
}

function sorted(found: Row[], query: URLSearchParams, faults: Faults): Row[] {
  const sort = query.get('_sort')?.split(',')[0]
  if (sort === undefined || faults.ignores?.includes('_sort')) return found
  if (sort === '_id') return found.sort((a, b) => (a.id < b.id ? -1 : 1))
  const sign = sort.startsWith('-') ? -1 : 1
  const dated = found.filter((row) => startOf(row) !== undefined)
  const undated = found.filter((row) => startOf(row) === undefined)
  return [
    ...dated.sort((a, b) => sign * ((startOf(a) ?? 0) - (startOf(b) ?? 0)) || (a.id < b.id ? -1 : 1)),
    ...undated,
  ]
}

function startOf(row: Row): number | undefined {
  return typeof row.effectiveDateTime === 'string' ? Date.parse(row.effectiveDateTime) : undefined
}

function matches(row: Row, name: string, value: string): boolean {
  const text = folded(row)
  const values = value.split(/(?<!\\),/).map((one) => one.replace(/\\(.)/g, '$1'))
  switch (name) {
    case '_id':
      return values.includes(row.id)
    case 'status':
      return values.some((status) => row.status === status)
    case 'study':
      return values.some((one) => text.includes(`"${one.toLowerCase()}"`))
    case 'organization':
    case 'patient':
      return values.some((one) => text.includes(`"reference":"${one.toLowerCase()}"`))
    case 'code':
    case 'combo-code':
    case 'category':
      return values.some((token) => {
        const [system, code] = token.includes('|') ? token.split('|') : [undefined, token]
        const concepts = JSON.stringify(conceptsOf(row, name))
        return concepts.includes(
          system === undefined ? `"code":"${code}"` : `{"system":"${system}","code":"${code}"}`,
        )
      })
    case 'date':
    case 'birthdate': {
      const own = name === 'date' ? startOf(row) : Date.parse(String(row.birthDate))
      const bound = Date.parse(value.slice(2))
      if (own === undefined) return false
      const prefix = value.slice(0, 2)
      return prefix === 'ge' ? own >= bound : prefix === 'lt' ? own < bound : own === bound
    }
    case 'identifier':
      return text.includes(`"value":"${value.split('|').at(-1)?.toLowerCase()}"`)
    default: {
      const names = Array.isArray(row.name) ? row.name : []
      const searched = name === 'name' ? names : names.map((one) => one[name])
      return folded(searched).includes(folded(value).slice(0, -1))
    }
  }
}

function conceptsOf(row: Row, name: string): unknown {
  if (name === 'category') return row.category ?? []
  const components = Array.isArray(row.component) ? row.component : []
  return [row.code, ...(name === 'combo-code' ? components.map(({ code }) => code) : [])]
}

function folded(value: unknown): string {
  return JSON.stringify(value).normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

function statement(version: FhirVersion, lacks: readonly string[]) {
  const person = version === 'R4' ? 'individual' : 'subject'
  const searches = {
    Observation: ['patient', 'code', 'combo-code', 'date', 'status', 'category'],
    Patient: ['name', 'family', 'given', 'birthdate', 'identifier', 'organization'],
    ResearchStudy: ['title'],
    ResearchSubject: ['study', 'patient', 'status', person],
  }
  return {
    resourceType: 'CapabilityStatement',
    fhirVersion: version === 'R4' ? '4.0.1' : '5.0.0',
    software: { name: 'HAPI FHIR Server' },
    rest: [
      {
        mode: 'server',
        resource: Object.entries(searches).map(([type, names]) => ({
          type,
          searchParam: names.filter((name) => !lacks.includes(name)).map((name) => ({ name })),
        })),
      },
    ],
  }
}

const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing' }] }
