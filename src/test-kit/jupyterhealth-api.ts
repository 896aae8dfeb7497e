import type { StandInAnswer } from './answer.ts'
import type { Asked } from './asked.ts'
import { codesOf } from './jupyterhealth-codes.ts'
import {
  type JupyterHealthCohort,
  type JupyterHealthOrganization,
  type JupyterHealthStudy,
  type JupyterHealthUser,
  systemOf,
} from './jupyterhealth-cohort.ts'
import { reachOf } from './jupyterhealth-search.ts'

/** Answers `/api/v1`: who the caller is, the organizations with the caller's role, the caller's studies. */
export function answerApi(
  cohort: JupyterHealthCohort,
  user: JupyterHealthUser | undefined,
  asked: Asked,
): StandInAnswer {
  if (user === undefined) return notSigned(asked)
  const [first, second, ...rest] = asked.segments
  if (first === 'studies' && rest.join('/') === 'scope_requests') return scopeRequests(cohort, second)
  if (asked.segments.join('/') === 'data_sources/all_scopes') return { status: 200, body: codesOf(cohort) }
  if (rest.length > 0) return missing()
  if (first === 'users' && second === 'profile') return { status: 200, body: profile(user) }
  if (first === 'users' && second === 'organizations') {
    const own = cohort.organizations.filter(({ id }) => Object.hasOwn(user.roles, id))
    return { status: 200, body: own.map((one) => organizationOf(one, null)) }
  }
  if (first === 'organizations') return organizations(cohort, user, asked, second)
  if (first === 'studies') return studies(cohort, user, asked, second)
  return missing()
}

function notSigned(asked: Asked): StandInAnswer {
  const error = asked.authorization === undefined ? '' : ',error="invalid_token"'
  const headers = { 'www-authenticate': `Bearer realm="api"${error}` }
  return { status: 401, headers, body: { detail: 'Authentication credentials were not provided.' } }
}

function missing(): StandInAnswer {
  return { status: 404, body: { detail: 'Not found.' } }
}

function profile(user: JupyterHealthUser) {
  return {
    id: user.id,
    email: `${user.name}@example.com`,
    firstName: user.name,
    lastName: 'Practitioner',
    patient: user.patient === undefined ? null : { id: user.patient },
    userType: user.patient === undefined ? 'practitioner' : 'patient',
    isSuperuser: user.superuser,
    settings: {},
  }
}

function organizations(
  cohort: JupyterHealthCohort,
  user: JupyterHealthUser,
  asked: Asked,
  id: string | undefined,
): StandInAnswer {
  const role = (one: JupyterHealthOrganization) =>
    user.superuser ? 'super_user' : (user.roles[one.id] ?? null)
  if (id === undefined) {
    const sorted = cohort.organizations.toSorted(byName)
    return paged(
      asked,
      sorted.map((one) => organizationOf(one, role(one))),
    )
  }
  const found = cohort.organizations.find((one) => String(one.id) === id)
  return found === undefined ? missing() : { status: 200, body: organizationOf(found, role(found)) }
}

function studies(
  cohort: JupyterHealthCohort,
  user: JupyterHealthUser,
  asked: Asked,
  id: string | undefined,
): StandInAnswer {
  if (user.patient !== undefined) return missing()
  const own = reachOf(cohort, user).studies.toSorted(byName)
  if (id === undefined) {
    const organization = asked.parameter('organization_id')
    const wanted = own.filter(
      (study) => organization === undefined || String(study.organization) === organization,
    )
    return paged(
      asked,
      wanted.map((study) => studyOf(cohort, study)),
    )
  }
  const found = own.find((study) => String(study.id) === id)
  if (found !== undefined) return { status: 200, body: studyOf(cohort, found) }
  const detail = 'Current User does not have authorization to access this Study.'
  return { status: 403, body: { detail } }
}

/** What a study requested: the exchange tells whoever is signed in, whatever they may see. */
function scopeRequests(
  { studies, observations }: JupyterHealthCohort,
  id: string | undefined,
): StandInAnswer {
  const study = studies.find((one) => String(one.id) === id)
  if (study === undefined) return { status: 200, body: [] }
  const { codes, name, description, organization, patients } = study
  const rows = codes.map((code, at) => ({
    id: at + 1,
    study: { id: study.id, name, description, iconUrl: null, organization, patients },
    scopeCode: {
      id: 50_000 + at,
      codingSystem: systemOf(code),
      codingCode: code,
      text: observations.find((one) => one.code === code)?.display ?? code,
    },
  }))
  return { status: 200, body: rows }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

function organizationOf(organization: JupyterHealthOrganization, currentUserRole: string | null) {
  return { ...organization, currentUserRole, children: [] }
}

function studyOf(cohort: JupyterHealthCohort, study: JupyterHealthStudy) {
  const owner = cohort.organizations.find(({ id }) => id === study.organization)
  const organization = owner === undefined ? null : { id: owner.id, name: owner.name, type: owner.type }
  return { id: study.id, name: study.name, description: study.description, organization, iconUrl: null }
}

function paged(asked: Asked, all: readonly object[]): StandInAnswer {
  const size = Math.min(Number.parseInt(asked.parameter('page_size') ?? '', 10) || 20, 1000)
  const page = Number(asked.parameter('page') ?? 1)
  const last = Math.max(1, Math.ceil(all.length / size))
  if (!Number.isInteger(page) || page < 1 || page > last) {
    return { status: 404, body: { detail: 'Invalid page.' } }
  }
  const turn = (to: number) => `${asked.base}/${asked.segments.join('/')}?page=${to}&page_size=${size}`
  const results = all.slice((page - 1) * size, page * size)
  const next = page < last ? turn(page + 1) : null
  return {
    status: 200,
    body: { count: all.length, next, previous: page > 1 ? turn(page - 1) : null, results },
  }
}
