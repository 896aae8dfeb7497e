import { describe, expect, it } from 'vitest'
import { isDenial, type OpenDecision, openDecision } from '../../src/access/decide.ts'
import type { Grant } from '../../src/access/grant.ts'
import type { LoadedRoster } from '../../src/access/known.ts'
import type { Caller, Policy, Rule } from '../../src/access/narrowing.ts'
import {
  bothOf,
  byStudies,
  type RequestedTypes,
  type Restriction,
  typesOfData,
} from '../../src/access/restrictions.ts'
import { defaultRoles } from '../../src/access/roles.ts'
import type { Target } from '../../src/access/target.ts'
import { callerOf, jupyterhealth, observationRule, patientRule, policy, rosterFor } from './callers.ts'

const steps = { system: 'urn:types', code: 'steps' }
const sleep = { system: 'urn:types', code: 'sleep' }
const types = ['Observation']

const rosters: readonly LoadedRoster[] = [
  { key: { kind: 'study', id: 'a' }, roster: rosterFor('pat-1', 'pat-4', '-pat-13') },
  { key: { kind: 'study', id: 'b' }, roster: rosterFor('pat-4', 'pat-20') },
  { key: { kind: 'organization', id: 'north' }, roster: rosterFor('pat-20') },
]
const requested: RequestedTypes = new Map([
  ['a', [{ ...steps, display: 'Steps' }]],
  ['b', [steps, sleep]],
])
const inA: Restriction = { types, study: 'a', codes: [steps] }
const inB: Restriction = { types, study: 'b', codes: [steps, sleep] }

const patient = (id: string, study?: string): Target => ({
  kind: 'patient',
  patient: id,
  ...(study === undefined ? {} : { study }),
})
const study = (id: string): Target => ({ kind: 'study', study: id })
const organization: Target = { kind: 'organization', organization: 'north' }
const reach: Target = { kind: 'reach' }
const nothing: RequestedTypes = new Map()

function open(caller: Caller, by: Policy = jupyterhealth, rule: Rule = observationRule): OpenDecision {
  return openDecision(rule, caller, by)
}

function granted(caller: Caller, target: Target, known = requested, rule?: Rule): Grant {
  const decision = open(caller, jupyterhealth, rule).decide(target, rosters, known)
  if (isDenial(decision)) throw new Error(`denied: ${decision.denied}`)
  return decision
}

const ofStudies = callerOf({ studies: ['a', 'b'] })
const ofAll = callerOf({ studies: ['a', 'b'], organizations: ['north'] })
const forbidden = { denied: 'FORBIDDEN', scopes: [] }

describe('the types that studies requested', () => {
  it('are all that a study gives', () => {
    expect(open(ofStudies).studiesFor(study('a'), [])).toEqual(['a'])
    expect(granted(ofStudies, study('a')).terms.restrictions).toEqual([inA])
    expect(granted(callerOf({ superuser: true }), study('b')).terms.restrictions).toEqual([inB])
  })

  it('are all that they give of a patient who is within reach by them alone', () => {
    expect(open(ofStudies).studiesFor(patient('pat-4'), rosters)).toEqual(['a', 'b'])
    expect(granted(ofStudies, patient('pat-4')).terms.restrictions).toEqual([inA, inB])
    expect(granted(ofStudies, patient('pat-1')).terms.restrictions).toEqual([inA])
  })

  it('narrow nothing for an organization, the own patient and a superuser', () => {
    const own = callerOf({ studies: ['a'], patient: 'pat-1' })
    const superuser = callerOf({ superuser: true })
    for (const [caller, target] of [
      [ofAll, patient('pat-20')],
      [ofAll, organization],
      [own, patient('pat-1')],
      [superuser, patient('pat-1')],
      [superuser, reach],
    ] as const) {
      expect(open(caller).studiesFor(target, rosters)).toEqual([])
      expect(granted(caller, target, nothing).terms.restrictions).toEqual([])
    }
  })

  it('narrow everybody where a study is named', () => {
    const own = callerOf({ studies: ['a'], patient: 'pat-1' })
    const superuser = callerOf({ superuser: true })
    expect(open(ofAll).studiesFor(patient('pat-20', 'b'), [])).toEqual(['b'])
    expect(granted(ofAll, patient('pat-20', 'b')).terms.restrictions).toEqual([inB])
    expect(granted(ofStudies, patient('pat-4', 'a')).terms.restrictions).toEqual([inA])
    expect(granted(own, patient('pat-1', 'a')).terms.restrictions).toEqual([inA])
    expect(granted(superuser, patient('pat-1', 'a')).terms.restrictions).toEqual([inA])
  })

  it('are not asked for, and nothing is given, of a study that is not permitted', () => {
    const caller = callerOf({ studies: ['a'] })
    for (const target of [study('b'), patient('pat-1', 'b')]) {
      expect(open(caller).studiesFor(target, rosters)).toEqual([])
      expect(open(caller).decide(target, rosters, requested)).toEqual(forbidden)
    }
  })

  it('give nothing where they are not known', () => {
    for (const target of [study('a'), patient('pat-1'), patient('pat-1', 'a')]) {
      expect(open(ofStudies).decide(target, rosters, nothing)).toEqual(forbidden)
      expect(open(ofStudies).decide(target, rosters)).toEqual(forbidden)
    }
    expect(granted(ofStudies, patient('pat-4'), new Map([['a', [steps]]])).terms.restrictions).toEqual([inA])
    const none = new Map([['a', []]])
    expect(granted(ofStudies, study('a'), none).terms.restrictions).toEqual([{ ...inA, codes: [] }])
  })

  it('hold of a reach for each patient by its own ways', () => {
    expect(open(ofAll).studiesFor(reach, rosters)).toEqual(['a', 'b'])
    const [whole, first, second] = granted(ofAll, reach).terms.restrictions
    expect(whole).toEqual({ types, patients: new Set(['pat-20']) })
    expect(first).toEqual({ ...inA, patients: new Set(['pat-1', 'pat-4']) })
    expect(second).toEqual({ ...inB, patients: new Set(['pat-4', 'pat-20']) })
    const own = granted(callerOf({ studies: ['a'], patient: 'pat-9' }), reach, nothing)
    expect(own.terms.restrictions).toEqual([{ types, patients: new Set(['pat-9']) }])
    expect(granted(callerOf({ organizations: ['north'] }), reach).terms.restrictions).toEqual([])
    const narrowed = callerOf({ studies: ['a'], patient: 'pat-1', scope: 'patient/*.rs' })
    expect(open(narrowed).studiesFor(reach, rosters)).toEqual([])
    expect(granted(narrowed, reach).terms.restrictions).toEqual([])
  })

  it('say nothing of other types, of which a study gives nothing', () => {
    const rule = { ...observationRule, needs: [{ types: ['Condition'] }, { types: ['Patient'] }] }
    const nothingOfCondition = [{ types: ['Condition'], codes: [] }]
    expect(granted(ofStudies, patient('pat-1'), requested, rule).terms.restrictions).toEqual(
      nothingOfCondition,
    )
    expect(granted(ofStudies, study('a'), requested, rule).terms.restrictions).toEqual(nothingOfCondition)
    expect(granted(ofAll, patient('pat-20'), requested, rule).terms.restrictions).toEqual([])
    expect(granted(ofStudies, patient('pat-1'), nothing, patientRule).terms.restrictions).toEqual([])
  })

  it('matter nowhere else', () => {
    expect(open(ofStudies, policy).studiesFor(study('a'), rosters)).toEqual([])
    const decision = open(ofStudies, policy).decide(patient('pat-1', 'a'), rosters)
    expect(isDenial(decision) ? undefined : decision.terms.restrictions).toEqual([])
    const noScope = callerOf({ studies: ['a'], scope: 'user/Patient.rs' })
    expect(open(noScope).studiesFor(study('a'), rosters)).toEqual([])
    expect(open(ofStudies).needsTraits).toBe(true)
    expect(open(ofStudies, policy, patientRule).needsTraits).toBe(false)
    expect(open(noScope, policy, patientRule).needsTraits).toBe(true)
  })

  it('and categories hold together where a dialect knows both', () => {
    const by: Policy = {
      roles: defaultRoles,
      traits: { categories: true, groups: true, requestedTypes: true },
    }
    const scope = 'user/Patient.rs user/Observation.rs?category=vital-signs'
    const caller = callerOf({ studies: ['a'], scope })
    const decision = open(caller, by).decide(patient('pat-1'), rosters, requested)
    expect(isDenial(decision) ? undefined : decision.terms.restrictions).toEqual([
      { ...inA, categories: ['vital-signs'] },
    ])
  })
})

describe('restrictions put together', () => {
  it('leave what both leave, and of types that one names alone what that one leaves', () => {
    const scopes = [
      { types: ['Observation', 'Condition'], categories: ['x'] },
      { types: ['Observation'], categories: ['y'] },
    ]
    expect(bothOf(scopes, [inA, { types: ['Device'], codes: [] }])).toEqual([
      { ...inA, categories: ['x'] },
      { ...inA, categories: ['y'] },
      { types: ['Device'], codes: [] },
      { types: ['Condition'], categories: ['x'] },
    ])
    expect(bothOf([], [inA])).toEqual([inA])
  })

  it('of studies name the types of data among those that are read', () => {
    expect(typesOfData(['Observation', 'Patient', 'Group', 'Condition', 'Condition'])).toEqual([
      'Observation',
      'Condition',
    ])
    expect(byStudies(['Observation', 'Condition'], ['a'], requested)).toEqual([
      inA,
      { types: ['Condition'], codes: [] },
    ])
    expect(byStudies(['Observation'], ['z'], requested)).toEqual([{ types: ['Observation'], codes: [] }])
  })
})
