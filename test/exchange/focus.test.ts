import { describe, expect, it } from 'vitest'
import { withOwnFocus } from '../../src/exchange/focus.ts'
import { type OutgoingPolicy, outgoing } from '../../src/fhir/people/outgoing.ts'
import type { Observation } from '../../src/fhir/types.ts'
import { hasOtherFocus } from '../../src/results/standing.ts'
import { grantFor, on } from './grants.ts'
import { type Row, startHapi } from './hapi-stand-in.ts'
import { exchangeOf } from './opened.ts'

const base = 'http://exchange.example/fhir'
const masked = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }]
const policy: OutgoingPolicy = {
  baseUrl: base,
  attachments: 'kept',
  mayName: ({ type, id }) => type === 'Patient' && id === 'p1',
}
const held = (focus: unknown, more: Partial<Observation> = {}) => {
  const observation = {
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    code: {},
    subject: { reference: 'Patient/p1' },
    focus: focus as Observation['focus'],
    ...more,
  } as Observation
  return outgoing(withOwnFocus(observation, base), policy)
}

describe('the focus of an observation', () => {
  it.each<[string, object]>([
    ['relative', { reference: 'Patient/p1', display: 'Ada' }],
    ['of a version', { reference: 'Patient/p1/_history/2' }],
    ['absolute', { reference: `${base}/Patient/p1` }],
  ])('is none where it is the subject (%s)', (_, focus) => {
    expect(hasOtherFocus(held([focus]))).toBe(false)
    expect(hasOtherFocus(held([focus], { subject: { reference: `${base}/Patient/p1` } }))).toBe(false)
  })

  it.each<[string, object, object]>([
    ['another patient', { reference: 'Patient/p2', display: 'Bo' }, { type: 'Patient', extension: masked }],
    [
      'a relative',
      { reference: 'RelatedPerson/r', display: 'Bo' },
      { type: 'RelatedPerson', extension: masked },
    ],
    [
      'the same id elsewhere',
      { reference: 'http://other.example/fhir/Patient/p1' },
      { type: 'Patient', extension: masked },
    ],
    [
      'a person by type',
      { type: 'Patient', identifier: { value: 'M2' }, display: 'Bo' },
      { type: 'Patient', extension: masked },
    ],
    ['an identifier', { identifier: { value: 'M2' }, display: 'donor' }, { extension: masked }],
    [
      'a device by identifier',
      { type: 'Device', identifier: { value: 'M2' } },
      { type: 'Device', identifier: { value: 'M2' } },
    ],
    ['a device', { reference: 'Device/d', display: 'pump' }, { reference: 'Device/d', display: 'pump' }],
    ['words', { display: 'fetus' }, { extension: masked }],
    [
      'words of a type',
      { type: 'BodyStructure', display: 'fetus' },
      { type: 'BodyStructure', display: 'fetus' },
    ],
    ['nothing', {}, {}],
  ])('is another one where it is %s, and names nobody', (_, focus, kept) => {
    const observation = held([focus])
    expect(hasOtherFocus(observation)).toBe(true)
    expect(observation.focus).toEqual([kept])
  })

  it('names no person that the observation contains', () => {
    const contained = [
      { resourceType: 'RelatedPerson', id: 'r', patient: { reference: 'Patient/p1' } },
      { resourceType: 'Device', id: 'd' },
    ] as Observation['contained']
    const focus = [{ reference: '#r', display: 'Bo' }, { reference: '#d' }, { reference: '#gone' }]
    expect(held(focus, { contained }).focus).toEqual([
      { type: 'RelatedPerson', extension: masked },
      { reference: '#d' },
      { extension: masked },
    ])
  })

  it('is left alone where there is none', () => {
    const plain = held(undefined)
    expect(plain.focus).toBeUndefined()
    expect(hasOtherFocus(held([]))).toBe(false)
  })

  it.each(['R4', 'R5'] as const)(
    'comes from an exchange without the id of anybody else (%s)',
    async (version) => {
      const focus = [{ reference: 'Patient/p5', display: 'Bo Ångström' }]
      const alters = (row: Row): Row => (row.resourceType === 'Observation' ? { ...row, focus } : row)
      const server = await startHapi(version, { alters })
      const grant = grantFor({ studies: { s1: ['p1'] } }, on.patient('p1'))
      const exchange = exchangeOf(server.baseUrl)
      const { observations } = await exchange.observations(grant, { order: 'newest', count: 5 })
      expect(observations.length).toBeGreaterThan(0)
      expect(observations.every(hasOtherFocus)).toBe(true)
      expect(JSON.stringify(observations)).not.toMatch(/p5|Bo /)
      const again = await exchange.patientObservations(grant, 'p1', { order: 'newest', count: 5 })
      expect(JSON.stringify(again.observations)).not.toMatch(/p5|Bo /)
    },
  )
})
