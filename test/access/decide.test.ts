import { describe, expect, it } from 'vitest'
import { isDenial, openDecision } from '../../src/access/decide.ts'
import type { Grant } from '../../src/access/grant.ts'
import type { LoadedRoster } from '../../src/access/known.ts'
import type { Caller, Denial, Policy, Rule } from '../../src/access/narrowing.ts'
import { refusedRoster } from '../../src/access/roster.ts'
import type { RosterKey, Target } from '../../src/access/target.ts'
import {
  callerOf,
  decide,
  jupyterhealth,
  observationRule,
  openRule,
  patientRule,
  policy,
  rosterFor,
  rostersFor,
  studyRule,
} from './callers.ts'

const study = (id: string): Target => ({ kind: 'study', study: id })
const organization = (id: string): Target => ({ kind: 'organization', organization: id })
const patient = (id: string): Target => ({ kind: 'patient', patient: id })
const reach: Target = { kind: 'reach' }

const rosters: readonly LoadedRoster[] = [
  { key: keyOf('study', 'a'), roster: rosterFor('pat-1', 'pat-4', '-pat-13') },
  { key: keyOf('study', 'b'), roster: rosterFor('pat-4', 'pat-9') },
  { key: keyOf('organization', 'north'), roster: rosterFor('pat-20') },
]

function keyOf(kind: RosterKey['kind'], id: string): RosterKey {
  return { kind, id }
}

function granted(decision: Grant | Denial): Grant {
  if (isDenial(decision)) throw new Error(`denied: ${decision.denied}`)
  return decision
}

const ofCategories = (...categories: string[]) => [{ types: ['Observation'], categories }]
const mayList = (rule: Rule, caller: Caller, by: Policy) => openDecision(rule, caller, by).listed
const missingScopes = (rule: Rule, caller: Caller, by: Policy) => openDecision(rule, caller, by).missingScopes
const forbidden = { denied: 'FORBIDDEN', scopes: [] }
const decideOn = (caller: Caller, target: Target, rule: Rule = observationRule, by: Policy = policy) =>
  decide(rule, caller, target, rosters, by)

describe('a study', () => {
  it('is in reach when the claim names it', () => {
    const grant = granted(decideOn(callerOf({ studies: ['a'] }), study('a'), studyRule))
    expect(grant.allowsStudy('a')).toBe(true)
    expect(grant.allowsStudy('b')).toBe(false)
    expect(grant.terms.patients).toBeUndefined()
  })

  it('is not in reach through its organization', () => {
    expect(decideOn(callerOf({ organizations: ['north'] }), study('a'), studyRule)).toEqual(forbidden)
  })

  it('reads the same when it is unknown and when it is forbidden', () => {
    const caller = callerOf({ studies: ['a'] })
    expect(decideOn(caller, study('b'))).toEqual(decideOn(caller, study('no-such-study')))
  })

  it('tells who of its patients may be in an answer', () => {
    const grant = granted(decideOn(callerOf({ studies: ['a'] }), study('a')))
    expect(grant.standing('pat-1')).toBe('member')
    expect(grant.standing('pat-13')).toBe('known')
    expect(grant.standing('pat-9')).toBe('foreign')
  })
})

describe('an organization', () => {
  it('grants its patients when the claim names it', () => {
    const grant = granted(decideOn(callerOf({ organizations: ['north'] }), organization('north')))
    expect(grant.standing('pat-20')).toBe('member')
    expect(grant.terms.organizations).toEqual(new Set(['north']))
  })

  it('is denied when the claim does not name it', () => {
    expect(decideOn(callerOf({ studies: ['a'] }), organization('north'))).toEqual(forbidden)
  })
})

describe('a patient', () => {
  it('is in reach when enrolled in a permitted study', () => {
    const grant = granted(decideOn(callerOf({ studies: ['a', 'b'] }), patient('pat-4')))
    expect(grant.terms.studies).toEqual(new Set(['a', 'b']))
    expect(grant.standing('pat-4')).toBe('member')
    expect(grant.standing('pat-1')).toBe('foreign')
  })

  it('is in reach when it belongs to a permitted organization', () => {
    const grant = granted(decideOn(callerOf({ organizations: ['north'] }), patient('pat-20')))
    expect(grant.terms.organizations).toEqual(new Set(['north']))
  })

  it('is not in reach when it withdrew, although the roster knows it', () => {
    expect(decideOn(callerOf({ studies: ['a'] }), patient('pat-13'))).toEqual(forbidden)
  })

  it('is in reach through one study although the exchange refuses another', () => {
    const refused = [{ key: keyOf('study', 'gone'), roster: refusedRoster() }, ...rosters]
    const caller = callerOf({ studies: ['gone', 'a'] })
    expect(isDenial(decide(observationRule, caller, patient('pat-1'), refused, policy))).toBe(false)
    expect(decide(observationRule, caller, study('gone'), refused, policy)).toEqual(forbidden)
  })

  it('is not in reach when its roster was not loaded', () => {
    const decision = decide(observationRule, callerOf({ studies: ['a'] }), patient('pat-1'), [], policy)
    expect(decision).toEqual(forbidden)
  })

  it('reads the same when it is unknown and when it is forbidden', () => {
    const caller = callerOf({ studies: ['a'] })
    expect(decideOn(caller, patient('pat-9'))).toEqual(decideOn(caller, patient('no-such-patient')))
  })

  it("is in reach as the token's own patient context, without a roster", () => {
    const caller = callerOf({ patient: 'pat-50' })
    expect(rostersFor(observationRule, caller, patient('pat-50'), policy)).toEqual([])
    expect(granted(decideOn(caller, patient('pat-50'))).standing('pat-50')).toBe('member')
  })
})

describe("a grant on the token's own patient alone", () => {
  const own = { patient: 'pat-50' }
  it('is one on that patient, and on the whole reach of somebody who is permitted nothing else', () => {
    expect(granted(decideOn(callerOf(own), patient('pat-50'))).ownAlone).toBe('pat-50')
    expect(granted(decideOn(callerOf({ ...own, studies: ['a'] }), patient('pat-50'))).ownAlone).toBe('pat-50')
    expect(granted(decideOn(callerOf(own), reach)).ownAlone).toBe('pat-50')
  })

  it('is none on others, or on them too', () => {
    expect(granted(decideOn(callerOf({ ...own, studies: ['a'] }), reach)).ownAlone).toBeUndefined()
    expect(granted(decideOn(callerOf({ ...own, organizations: ['north'] }), reach)).ownAlone).toBeUndefined()
    expect(granted(decideOn(callerOf({ studies: ['a'] }), patient('pat-1'))).ownAlone).toBeUndefined()
    expect(granted(decideOn(callerOf({ ...own, superuser: true }), reach)).ownAlone).toBeUndefined()
    expect(granted(decideOn(callerOf({ superuser: true }), patient('pat-1'))).ownAlone).toBeUndefined()
  })
})

describe('the own reach', () => {
  it('is the union of studies, organizations and the patient context', () => {
    const caller = callerOf({ studies: ['a', 'b'], organizations: ['north'], patient: 'pat-50' })
    const grant = granted(decideOn(caller, reach))
    const members = [...(grant.terms.patients?.members ?? [])].sort()
    expect(members).toEqual(['pat-1', 'pat-20', 'pat-4', 'pat-50', 'pat-9'])
    expect(grant.terms.patients?.known).toEqual(new Set(['pat-13']))
    expect(grant.terms.own).toBe('pat-50')
  })

  it('is empty, and allowed, for somebody who is signed in and may see nothing', () => {
    const grant = granted(decideOn(callerOf({}), reach))
    expect(grant.terms.patients?.members.size).toBe(0)
    expect(grant.terms.studies.size).toBe(0)
    expect(grant.terms.unrestricted).toBe(false)
  })

  it('looks at no patient where the rule is about studies', () => {
    const grant = granted(decideOn(callerOf({ studies: ['a'], patient: 'pat-1' }), reach, studyRule))
    expect(grant.terms.patients).toBeUndefined()
    expect(grant.standing('pat-1')).toBe('foreign')
  })

  it('leaves out what was not loaded', () => {
    const decision = decide(observationRule, callerOf({ studies: ['a'] }), reach, [], policy)
    expect(granted(decision).terms.patients?.members.size).toBe(0)
  })
})

describe('rosters that a decision needs', () => {
  const caller = callerOf({ studies: ['a', 'b'], organizations: ['north'] })

  it('are all permitted ones for a patient and for the reach', () => {
    const all = [
      { kind: 'study', id: 'a' },
      { kind: 'study', id: 'b' },
      { kind: 'organization', id: 'north' },
    ]
    expect(rostersFor(observationRule, caller, patient('pat-1'), policy)).toEqual(all)
    expect(rostersFor(observationRule, caller, reach, policy)).toEqual(all)
  })

  it('are the one of the target, and none of a target that is not permitted', () => {
    expect(rostersFor(observationRule, caller, study('a'), policy)).toEqual([{ kind: 'study', id: 'a' }])
    expect(rostersFor(observationRule, caller, study('z'), policy)).toEqual([])
    expect(rostersFor(observationRule, caller, organization('z'), policy)).toEqual([])
  })

  it('are none where the rule is not about patients or the scopes say no', () => {
    expect(rostersFor(studyRule, caller, study('a'), policy)).toEqual([])
    const without = callerOf({ studies: ['a'], scope: 'user/ResearchStudy.rs' })
    expect(rostersFor(observationRule, without, patient('pat-1'), policy)).toEqual([])
    const noRoster = callerOf({ studies: ['a'], scope: 'user/Observation.rs' })
    expect(rostersFor(observationRule, noRoster, patient('pat-1'), policy)).toEqual([])
  })

  it('are none for a superuser, except that of a study that is asked for', () => {
    const superuser = callerOf({ superuser: true })
    expect(rostersFor(observationRule, superuser, reach, policy)).toEqual([])
    expect(rostersFor(observationRule, superuser, patient('pat-1'), policy)).toEqual([])
    expect(rostersFor(observationRule, superuser, study('b'), policy)).toEqual([{ kind: 'study', id: 'b' }])
  })
})

describe('roles', () => {
  const roles = { viewer: ['studies'], manager: ['*'] }
  const by: Policy = { ...policy, roles }

  it('decide for a study by the role in its organization', () => {
    const caller = callerOf({
      studies: [
        { id: 'a', organization: 'north' },
        { id: 'b', organization: 'south' },
      ],
      organizations: [
        { id: 'north', role: 'manager' },
        { id: 'south', role: 'viewer' },
      ],
    })
    expect(isDenial(decideOn(caller, study('a'), observationRule, by))).toBe(false)
    expect(decideOn(caller, study('b'), observationRule, by)).toEqual(forbidden)
    expect(isDenial(decideOn(caller, study('b'), studyRule, by))).toBe(false)
  })

  it('take the strongest of several ways to a patient', () => {
    const caller = callerOf({
      studies: [
        { id: 'a', organization: 'south' },
        { id: 'b', organization: 'north' },
      ],
      organizations: [
        { id: 'north', role: 'manager' },
        { id: 'south', role: 'viewer' },
      ],
    })
    expect(granted(decideOn(caller, patient('pat-4'), observationRule, by)).terms.studies).toEqual(
      new Set(['b']),
    )
    expect(decideOn(caller, patient('pat-1'), observationRule, by)).toEqual(forbidden)
  })

  it('keep a tool from being listed when no way could allow it', () => {
    const viewer = callerOf({ organizations: [{ id: 'north', role: 'viewer' }] })
    expect(mayList(observationRule, viewer, by)).toBe(false)
    expect(mayList(studyRule, viewer, by)).toBe(true)
    expect(decideOn(viewer, reach, observationRule, by)).toEqual(forbidden)
    expect(rostersFor(observationRule, viewer, patient('pat-20'), by)).toEqual([])
  })

  it('let a patient context call what everybody may call, and nothing more', () => {
    const own = callerOf({ patient: 'pat-50' })
    expect(decideOn(own, patient('pat-50'), observationRule, by)).toEqual(forbidden)
    const open: Policy = { ...policy, roles: { '*': ['observe'] } }
    expect(isDenial(decideOn(own, patient('pat-50'), observationRule, open))).toBe(false)
    expect(mayList(observationRule, own, open)).toBe(true)
    const closed = granted(
      decideOn(
        callerOf({ patient: 'pat-50', organizations: [{ id: 'north', role: 'manager' }] }),
        reach,
        observationRule,
        by,
      ),
    )
    expect(closed.standing('pat-50')).toBe('foreign')
  })

  it('do not bind a rule that needs nothing', () => {
    expect(mayList(openRule, callerOf({}), by)).toBe(true)
  })
})

describe('scopes', () => {
  it('narrow nothing where the token has none', () => {
    expect(missingScopes(observationRule, callerOf({ studies: ['a'] }), policy)).toBeUndefined()
    expect(
      missingScopes(observationRule, callerOf({ studies: ['a'], scope: 'openid email' }), policy),
    ).toBeUndefined()
  })

  it('never widen', () => {
    const caller = callerOf({ studies: ['a'], scope: 'user/*.rs system/*.rs' })
    expect(decideOn(caller, study('b'))).toEqual(forbidden)
  })

  it('deny with all scopes that the call needs', () => {
    const caller = callerOf({ studies: ['a'], scope: 'user/ResearchStudy.rs' })
    const lacking = { denied: 'INSUFFICIENT_SCOPE', scopes: ['user/Observation.rs', 'user/Patient.rs'] }
    expect(decideOn(caller, patient('pat-1'))).toMatchObject(lacking)
    expect(missingScopes(observationRule, caller, policy)).toMatchObject(lacking)
    expect(missingScopes(patientRule, caller, policy)?.scopes).toEqual(['user/Patient.rs'])
  })

  it('deny a decision by roster when no scope covers the roster', () => {
    const caller = callerOf({ studies: ['a'], organizations: ['north'], scope: 'user/Observation.rs' })
    for (const target of [patient('pat-1'), study('a'), reach]) {
      expect(decideOn(caller, target)).toMatchObject({ denied: 'INSUFFICIENT_SCOPE' })
    }
    expect(missingScopes(observationRule, caller, policy)).toMatchObject({ denied: 'INSUFFICIENT_SCOPE' })
    const withRoster = callerOf({ studies: ['a'], scope: 'user/Observation.rs user/ResearchSubject.rs' })
    expect(isDenial(decideOn(withRoster, patient('pat-1')))).toBe(false)
  })

  it('of the kind patient/ narrow to the patient context, even if the studies reach further', () => {
    const caller = callerOf({ studies: ['a'], patient: 'pat-4', scope: 'patient/*.rs' })
    expect(rostersFor(observationRule, caller, patient('pat-1'), policy)).toEqual([])
    expect(decideOn(caller, patient('pat-1'))).toEqual(forbidden)
    expect(isDenial(decideOn(caller, patient('pat-4')))).toBe(false)
    const own = granted(decideOn(caller, reach))
    expect([...(own.terms.patients?.members ?? [])]).toEqual(['pat-4'])
    expect(own.terms.studies.size).toBe(0)
    const inStudy = granted(decideOn(caller, study('a')))
    expect(inStudy.standing('pat-4')).toBe('member')
    expect(inStudy.standing('pat-1')).toBe('known')
    expect(missingScopes(observationRule, caller, policy)).toBeUndefined()
  })

  it('of the kind patient/ reach nobody without a patient context, or one that is not enrolled', () => {
    const nobody = callerOf({ studies: ['a'], scope: 'patient/*.rs' })
    expect(decideOn(nobody, patient('pat-1'))).toEqual(forbidden)
    expect(granted(decideOn(nobody, reach)).terms.patients?.members.size).toBe(0)
    expect(granted(decideOn(nobody, study('a'))).standing('pat-1')).toBe('known')
    const stranger = callerOf({ studies: ['a'], scope: 'patient/*.rs', patient: 'pat-9' })
    expect(granted(decideOn(stranger, study('a'))).standing('pat-9')).toBe('foreign')
    const unloaded = decide(observationRule, stranger, study('a'), [], policy)
    expect(granted(unloaded).terms.patients?.members.size).toBe(0)
  })

  it('of the kind patient/ do not cover studies, which are in nobody’s compartment', () => {
    const caller = callerOf({ studies: ['a'], patient: 'pat-4', scope: 'patient/*.rs' })
    expect(decideOn(caller, study('a'), studyRule)).toEqual({
      denied: 'INSUFFICIENT_SCOPE',
      scopes: ['user/ResearchStudy.rs'],
      detail: expect.stringContaining('patient/*.rs'),
    })
  })

  it('restrict categories, and grant nothing where the dialect cannot evaluate them', () => {
    const scope =
      'user/Patient.rs user/Observation.rs?category=vital-signs user/Observation.rs?category=survey'
    const caller = callerOf({ studies: ['a'], scope })
    expect(granted(decideOn(caller, patient('pat-1'))).terms.restrictions).toEqual(
      ofCategories('vital-signs', 'survey'),
    )
    expect(decideOn(caller, patient('pat-1'), observationRule, jupyterhealth)).toMatchObject({
      denied: 'INSUFFICIENT_SCOPE',
    })
    const unknown: Policy = { ...policy, traits: undefined }
    expect(isDenial(decideOn(caller, patient('pat-1'), observationRule, unknown))).toBe(false)
  })

  it('restrict categories for others while the own patient context has all', () => {
    const scope = 'user/Patient.rs user/Observation.rs?category=vital-signs patient/Observation.rs'
    const caller = callerOf({ studies: ['a'], patient: 'pat-50', scope })
    expect(granted(decideOn(caller, patient('pat-50'))).terms.restrictions).toEqual([])
    expect(granted(decideOn(caller, patient('pat-1'))).terms.restrictions).toEqual(
      ofCategories('vital-signs'),
    )
    expect(granted(decideOn(caller, reach)).terms.restrictions).toEqual(ofCategories('vital-signs'))
  })

  it('on Group cover a study on JupyterHealth, and not on HAPI', () => {
    const caller = callerOf({ studies: ['a'], scope: 'user/Group.rs' })
    expect(isDenial(decideOn(caller, study('a'), studyRule, jupyterhealth))).toBe(false)
    expect(decideOn(caller, study('a'), studyRule, policy)).toMatchObject({ denied: 'INSUFFICIENT_SCOPE' })
  })
})

describe('a superuser', () => {
  const superuser = callerOf({ superuser: true })

  it('reaches every study and patient', () => {
    const grant = granted(decideOn(superuser, reach))
    expect(grant.terms.unrestricted).toBe(true)
    expect(grant.standing('anybody')).toBe('member')
    expect(grant.allowsStudy('any')).toBe(true)
  })

  it('still gets a grant on the one patient or study alone', () => {
    const one = granted(decideOn(superuser, patient('pat-9')))
    expect(one.standing('pat-1')).toBe('foreign')
    expect(granted(decideOn(superuser, study('b'))).standing('pat-1')).toBe('foreign')
  })

  it('is narrowed by scopes like anybody', () => {
    const caller = callerOf({ superuser: true, scope: 'user/ResearchStudy.rs' })
    expect(decideOn(caller, reach)).toMatchObject({ denied: 'INSUFFICIENT_SCOPE' })
  })
})
