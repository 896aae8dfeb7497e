import { describe, expect, it } from 'vitest'
import { type Grant, issueGrant } from '../../src/access/grant.ts'
import type { Restriction } from '../../src/access/restrictions.ts'
import { holdWithin, searchesWithin } from '../../src/exchange/restrictions.ts'
import type { Observation } from '../../src/fhir/types.ts'

const steps = { system: 'urn:types', code: 'steps' }
const sleep = { system: 'urn:types', code: 'sleep' }
const glucose = { system: 'urn:types', code: 'glucose' }
const types = ['Observation']

function restrictedTo(...restrictions: Restriction[]): Grant {
  return issueGrant({
    tool: 'a_tool',
    needs: [{ types }],
    target: { kind: 'patient', patient: '1' },
    studies: new Set(),
    organizations: new Set(),
    patients: undefined,
    unrestricted: false,
    own: undefined,
    restrictions,
  })
}

function reading(code: { system: string; code: string }, category = 'vital-signs'): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [code] },
    category: [{ coding: [{ system: 'urn:categories', code: category }] }],
  }
}

const asked = (codes?: readonly (typeof steps)[]) => ({ type: 'Observation', patient: '1', codes })

describe('restrictions compiled into searches', () => {
  it('ask for what was asked for where nothing restricts the type', () => {
    const grant = restrictedTo({ types: ['Condition'], codes: [] })
    expect(searchesWithin(grant, asked([steps]))).toEqual([
      { categories: undefined, codes: [steps], study: undefined },
    ])
  })

  it('narrow what was asked for to the codes that each way has', () => {
    const grant = restrictedTo(
      { types, study: 's', codes: [steps, sleep] },
      { types, study: 't', codes: [glucose] },
      { types, categories: ['survey'] },
    )
    expect(searchesWithin(grant, asked([sleep, glucose]))).toEqual([
      { categories: undefined, codes: [sleep], study: 's' },
      { categories: undefined, codes: [glucose], study: 't' },
      { categories: ['survey'], codes: [sleep, glucose], study: undefined },
    ])
    expect(searchesWithin(grant, asked())[0]).toEqual({
      categories: undefined,
      codes: [steps, sleep],
      study: 's',
    })
  })

  it('ask for nothing where nothing is left', () => {
    expect(searchesWithin(restrictedTo({ types, codes: [steps] }), asked([sleep]))).toEqual([])
    expect(searchesWithin(restrictedTo({ types, codes: [] }), asked())).toEqual([])
    expect(searchesWithin(restrictedTo({ types, categories: [] }), asked())).toEqual([])
    expect(searchesWithin(restrictedTo(), asked([]))).toEqual([])
  })

  it('leave out what is for other patients, and refuse where several are searched at once', () => {
    const grant = restrictedTo({ types, codes: [steps], patients: new Set(['2']) })
    expect(searchesWithin(grant, asked())).toEqual([])
    expect(searchesWithin(grant, { ...asked(), patient: '2' })).toHaveLength(1)
    expect(() => searchesWithin(grant, { ...asked(), patient: undefined })).toThrow(
      expect.objectContaining({ code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE' }),
    )
  })
})

describe('resources held against restrictions', () => {
  const leak = expect.objectContaining({ code: 'FHIR_MCP_EXCHANGE_LEAK' })

  it('pass where nothing restricts the type, or one way fits', () => {
    expect(() => holdWithin(restrictedTo(), reading(glucose), '1')).not.toThrow()
    const ways = restrictedTo({ types, codes: [steps] }, { types, codes: [sleep] })
    expect(() => holdWithin(ways, reading(sleep), '1')).not.toThrow()
  })

  it('are a leak where no way fits: by code and system, by category, by patient', () => {
    const grant = restrictedTo({
      types,
      codes: [steps],
      categories: ['urn:categories|vital-signs'],
      patients: new Set(['1']),
    })
    expect(() => holdWithin(grant, reading(steps), '1')).not.toThrow()
    expect(() => holdWithin(grant, reading(steps), '2')).toThrow(leak)
    expect(() => holdWithin(grant, reading(steps, 'survey'), '1')).toThrow(leak)
    expect(() => holdWithin(grant, reading({ ...steps, system: 'urn:other' }), '1')).toThrow(leak)
    expect(() => holdWithin(restrictedTo({ types, codes: [] }), reading(steps), '1')).toThrow(leak)
  })
})
