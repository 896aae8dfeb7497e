import { describe, expect, it } from 'vitest'
import { masked } from '../../src/fhir/masked.ts'
import { leftOutOf } from '../../src/fhir/people/left-out.ts'
import { type OutgoingPolicy, outgoing } from '../../src/fhir/people/outgoing.ts'
import { subsetted } from '../../src/fhir/subsetted.ts'
import type { AnyResource } from '../../src/fhir/types.ts'

const base = 'http://exchange.example/fhir'
const policy: OutgoingPolicy = {
  baseUrl: base,
  attachments: 'kept',
  mayName: ({ type, id }) => (type === 'Patient' && id === 'own') || (type === 'Group' && id === 'study'),
}
const observation = (elements: object): AnyResource => ({ resourceType: 'Observation', id: 'o', ...elements })
const leave = (elements: object, by = policy) => outgoing(observation(elements), by)
const extension = (value: object) => [{ url: 'http://example.org/x', ...value }]
const of = (type: string) => ({ type, extension: masked.extension })
const nobody = { extension: masked.extension }

describe('a reference that an element may name a person by', () => {
  it.each<[string, object]>([
    ['the patient', { reference: 'Patient/own', display: 'Eigen' }],
    ['a version of the patient', { reference: 'Patient/own/_history/2' }],
    ['the patient on the exchange', { reference: `${base}/Patient/own` }],
    ['a version on the exchange', { reference: `${base}/Patient/own/_history/2` }],
    ['the patient, with the type', { reference: 'Patient/own', type: 'Patient' }],
    [
      'the type in full',
      { reference: 'Patient/own', type: 'http://hl7.org/fhir/StructureDefinition/Patient' },
    ],
    ['a study', { reference: 'Group/study' }],
    ['a practitioner', { reference: 'Practitioner/p', display: 'A doctor' }],
    ['a practitioner elsewhere', { reference: 'https://elsewhere.example/fhir/Practitioner/p' }],
    [
      'a practitioner of a host with such a name',
      { reference: 'https://patient.example/fhir/Practitioner/p' },
    ],
    ['a practitioner by a condition', { reference: 'Practitioner?identifier=urn:x|1' }],
    [
      'a practitioner by identifier',
      { type: 'Practitioner', identifier: { value: '1' }, display: 'A doctor' },
    ],
    ['an organization with such an id', { reference: 'Organization/Patient' }],
    ['the resource itself', { reference: '#' }],
    ['a type alone', { type: 'Patient' }],
    ['nothing', {}],
    ['why it is not there', { extension: [{ url: 'urn:why', valueCode: 'unknown' }] }],
  ])('stays where it is %s', (_, reference) => {
    for (const elements of [
      { focus: [reference] },
      { extension: extension({ valueReference: reference }) },
    ]) {
      const resource = observation(elements)
      expect(outgoing(resource, policy)).toBe(resource)
      expect(leftOutOf(resource)).toBeUndefined()
    }
  })

  it.each<[string, object, object]>([
    ['another patient', { reference: 'Patient/foreign', display: 'Fremd' }, of('Patient')],
    ['a version', { reference: 'Patient/foreign/_history/2' }, of('Patient')],
    ['one on the exchange', { reference: `${base}/Patient/foreign` }, of('Patient')],
    [
      'one on the exchange, written otherwise',
      { reference: 'HTTP://EXCHANGE.example/fhir/Patient/own' },
      of('Patient'),
    ],
    ['one elsewhere', { reference: 'https://elsewhere.example/Patient/own' }, of('Patient')],
    ['one elsewhere, of a version', { reference: 'https://e.example/Patient/own/_history/1' }, of('Patient')],
    ['one that begins like the exchange', { reference: `${base}x/Patient/own` }, of('Patient')],
    [
      'a person’s resource elsewhere',
      { reference: 'https://e.example/Patient/foreign/Device/1' },
      of('Patient'),
    ],
    ['a path', { reference: 'Patient/own/../foreign' }, of('Patient')],
    ['a path from the root', { reference: '/fhir/Patient/foreign' }, of('Patient')],
    ['a compartment', { reference: 'Patient/foreign/Observation/1' }, of('Patient')],
    ['a part', { reference: 'Patient/own#x' }, of('Patient')],
    ['a canonical', { reference: 'http://e.example/Patient/foreign|2' }, of('Patient')],
    ['in small letters', { reference: 'patient/foreign' }, of('Patient')],
    ['encoded', { reference: '%50atient%2Fforeign' }, of('Patient')],
    ['encoded twice', { reference: '%2550atient%252Fforeign' }, of('Patient')],
    ['with a space before it', { reference: ' Patient/foreign' }, of('Patient')],
    ['by a condition', { reference: 'Patient?identifier=urn:mrn|foreign' }, of('Patient')],
    ['by a condition elsewhere', { reference: 'https://e.example/Patient?name=Fremd' }, of('Patient')],
    ['whose something is, by a condition', { reference: 'Observation?patient=foreign' }, of('Patient')],
    ['whose something is, by another', { reference: 'Observation?subject=foreign' }, of('Patient')],
    ['somebody in a condition', { reference: 'Practitioner?x=Patient/foreign' }, of('Patient')],
    ['a relative', { reference: 'RelatedPerson/own' }, of('RelatedPerson')],
    ['a person', { reference: 'Person/own' }, of('Person')],
    ['a group', { reference: 'Group/own' }, of('Group')],
    ['a urn', { reference: 'urn:uuid:0c9d8e7f-1111-4222-8333-000000000001', display: 'Fremd' }, nobody],
    ['an oid', { reference: 'urn:oid:1.2.3', display: 'Fremd' }, nobody],
    ['a urn of a type', { reference: 'urn:uuid:0c9d8e7f-1111', type: 'Patient' }, of('Patient')],
    ['of no type of FHIR', { reference: 'Human/foreign' }, nobody],
    ['a page', { reference: 'https://e.example/fremd' }, nobody],
    ['contained and not there', { reference: '#foreign', display: 'Fremd' }, nobody],
    ['by identifier', { identifier: { value: 'foreign' } }, nobody],
    ['by display', { display: 'Fremd' }, nobody],
    [
      'by a translation of a display',
      { _display: { extension: extension({ valueString: 'Fremd' }) } },
      nobody,
    ],
    ['by identifier and type', { type: 'Patient', identifier: { value: 'foreign' } }, of('Patient')],
    [
      'by a type in full',
      { type: 'http://hl7.org/fhir/StructureDefinition/RelatedPerson', display: 'Fremd' },
      of('RelatedPerson'),
    ],
    [
      'by a type of a version',
      { type: 'http://x/StructureDefinition/Person|5.0.0', display: 'Fremd' },
      of('Person'),
    ],
    ['by a type in small letters', { type: 'patient', display: 'Fremd' }, of('Patient')],
    ['by a type that is none', { type: 'Fremd' }, nobody],
    ['of two types', { reference: 'Device/d', type: 'Patient', display: 'Fremd' }, of('Patient')],
    ['of two types, the other way', { reference: 'Patient/foreign', type: 'Device' }, of('Patient')],
    ['of two types of people', { reference: 'Patient/own', type: 'Person', display: 'Fremd' }, of('Patient')],
    ['no text', { reference: 5, display: 'Fremd' }, nobody],
    ['a list', { reference: ['Patient/foreign'] }, nobody],
    ['an object beside an identifier', { reference: { of: 'Fremd' }, identifier: {} }, nobody],
  ])('is masked where it is %s', (_, reference, after) => {
    const focus = leave({ focus: [{ reference: 'Patient/own' }, reference] })
    expect(focus.focus).toEqual([{ reference: 'Patient/own' }, after])
    expect(focus.meta).toEqual({ tag: [subsetted] })
    expect(leftOutOf(focus)).toEqual({ references: 1, contained: 0, attachments: 0, characters: 0 })
    const extended = leave({ code: { extension: extension({ valueReference: reference }) } })
    expect(extended.code).toEqual({ extension: extension({ valueReference: after }) })
  })

  it('is masked in a CodeableReference, which keeps its concept', () => {
    const value = { concept: { text: 'mother' }, reference: { display: 'Fremd' } }
    expect(leave({ extension: extension({ valueCodeableReference: value }) }).extension).toEqual(
      extension({ valueCodeableReference: { concept: { text: 'mother' }, reference: nobody } }),
    )
  })

  it('is masked within what stays: its extensions, and those of its primitive values', () => {
    const within = { extension: extension({ valueReference: { display: 'Fremd' } }) }
    const hidden = { extension: extension({ valueReference: nobody }) }
    const left = leave({
      subject: { reference: 'Patient/own', ...within, _reference: within },
      performer: [{ type: 'Practitioner', identifier: { value: '1', period: within } }],
      _status: within,
      valueQuantity: { value: 1, _value: within, ...within },
      component: [{ code: { coding: [{ code: 'x', ...within }] }, valueCodeableConcept: within }],
    })
    expect(left).toMatchObject({
      subject: { reference: 'Patient/own', ...hidden, _reference: hidden },
      performer: [{ type: 'Practitioner', identifier: { value: '1', period: hidden } }],
      _status: hidden,
      valueQuantity: { value: 1, _value: hidden, ...hidden },
      component: [{ code: { coding: [{ code: 'x', ...hidden }] }, valueCodeableConcept: hidden }],
    })
    expect(JSON.stringify(left)).not.toContain('Fremd')
  })

  it('is a URI of an extension, too', () => {
    const left = leave({
      extension: ['valueUri', 'valueUrl', 'valueCanonical'].flatMap((name) => [
        ...extension({ [name]: `${base}/Patient/foreign` }),
        ...extension({ [name]: 'Patient/own' }),
        ...extension({ [name]: 'http://hl7.org/fhir/StructureDefinition/Patient' }),
      ]),
    })
    expect(left.extension).toEqual(
      ['valueUri', 'valueUrl', 'valueCanonical'].flatMap((name) => [
        ...extension({ [`_${name}`]: masked }),
        ...extension({ [name]: 'Patient/own' }),
        ...extension({ [name]: 'http://hl7.org/fhir/StructureDefinition/Patient' }),
      ]),
    )
  })
})

describe('a resource within a resource', () => {
  const patient = { resourceType: 'Patient', id: 'p', name: [{ family: 'Fremd' }] }
  const relative = { resourceType: 'RelatedPerson', id: 'r', name: [{ family: 'Fremd' }] }
  const doctor = { resourceType: 'Practitioner', id: 'd', name: [{ family: 'A doctor' }] }

  it('does not leave where it is a person, and is referred to by its type alone', () => {
    const person = { resourceType: 'Person', id: 'x', name: [{ family: 'Fremd' }] }
    const left = leave({
      contained: [patient, doctor, relative, person, { ...patient, resourceType: 'Group', id: 'g' }],
      performer: [
        { reference: '#p', display: 'Fremd' },
        { reference: '#d', display: 'A doctor' },
        { reference: '#r' },
        { reference: '#g', type: 'Device' },
      ],
      hasMember: [{ reference: '#p' }],
    })
    expect(left).toMatchObject({
      contained: [doctor],
      performer: [of('Patient'), { reference: '#d', display: 'A doctor' }, of('RelatedPerson'), of('Group')],
      hasMember: [nobody],
    })
    expect(leftOutOf(left)).toEqual({ references: 4, contained: 4, attachments: 0, characters: 0 })
    expect(leave({ contained: [patient] })).not.toHaveProperty('contained')
  })

  it.each<[string, object]>([
    ['one id of two', { ...doctor, id: 'p' }],
    ['another’s', { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/foreign' } }],
    ['of who is contained', { resourceType: 'Observation', id: 'o', subject: { reference: '#p' } }],
    ['enrolled', { resourceType: 'ResearchSubject', id: 's', individual: { reference: '#p' } }],
    ['with people contained', { ...doctor, contained: [patient] }],
    [
      'a bundle with people',
      { resourceType: 'Bundle', id: 'b', entry: [{ fullUrl: 'urn:p', resource: patient }] },
    ],
    [
      'parameters with people',
      { resourceType: 'Parameters', id: 'b', parameter: [{ name: 'p', resource: patient }] },
    ],
    ['of no type of FHIR', { resourceType: 'patient', id: 'p2', name: [{ family: 'Fremd' }] }],
    ['no resource', { name: [{ family: 'Fremd' }] }],
  ])('does not leave where it is %s', (_, inner) => {
    const left = leave({ contained: [patient, inner], derivedFrom: [{ reference: '#p', display: 'Fremd' }] })
    const isDouble = 'id' in inner && inner.id === 'p'
    expect(JSON.stringify(left)).not.toMatch(isDouble ? /Fremd|"#p"/ : /Fremd|foreign|contained|"#p"/)
  })

  it('goes with whatever is of who goes, in whatever order', () => {
    const specimen = { resourceType: 'Specimen', id: 's', subject: { reference: '#o' } }
    const about = { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/foreign' } }
    const left = leave({
      contained: [specimen, about, doctor],
      specimen: { reference: '#s', display: 'Fremd' },
    })
    expect(left).toMatchObject({ contained: [doctor], specimen: of('Specimen') })
    expect(leftOutOf(left)).toEqual({ references: 1, contained: 2, attachments: 0, characters: 0 })
  })

  it('stays where it is nobody’s, or the patient’s, without people', () => {
    const whole = {
      contained: [
        doctor,
        { resourceType: 'Specimen', id: 's', subject: { reference: 'Patient/own' } },
        { resourceType: 'Device', id: 'v' },
      ],
      specimen: { reference: '#s' },
    }
    const resource = observation(whole)
    expect(outgoing(resource, policy)).toBe(resource)
    const team = { resourceType: 'CareTeam', id: 't', participant: [{ member: { display: 'Fremd' } }] }
    expect(leave({ contained: [team] }).contained).toEqual([{ ...team, participant: [{ member: nobody }] }])
  })

  it('does not leave where none belongs', () => {
    const left = leave({
      extension: [
        ...extension({ valueReference: patient }),
        ...extension({ extension: extension({ resource: relative }) }),
        ...extension({ valueString: 'kept' }),
      ],
      note: [{ text: 'kept', other: [patient] }],
    })
    expect(left).toMatchObject({ extension: extension({ valueString: 'kept' }), note: [{ text: 'kept' }] })
    expect(JSON.stringify(left)).not.toContain('Fremd')
  })

  it('names nobody where none belongs', () => {
    const provenance = {
      resourceType: 'Provenance',
      target: [{ reference: 'Patient/foreign' }, { reference: 'Patient/own' }],
      agent: [{ who: { display: 'Fremd' } }],
    }
    expect(leave({ extension: extension({ valueReference: provenance }) }).extension).toEqual(
      extension({
        valueReference: {
          ...provenance,
          target: [of('Patient'), { reference: 'Patient/own' }],
          agent: [{ who: nobody }],
        },
      }),
    )
  })
})

describe('what leaves', () => {
  it('keeps an own member of the name of the prototype out', () => {
    const odd: AnyResource = JSON.parse(
      '{"resourceType":"Observation","__proto__":{"reference":"Patient/foreign"},"code":{"__proto__":{"display":"Fremd"},"text":"kept"}}',
    )
    const left = outgoing(odd, policy)
    expect(JSON.stringify(left)).not.toMatch(/foreign|Fremd/)
    expect(left.code).toEqual({ text: 'kept' })
  })

  it('keeps narrative, free text and what only looks like a reference', () => {
    const resource = observation({
      text: { status: 'generated', div: '<div>Patient/foreign</div>' },
      note: [{ text: 'See Patient/foreign' }],
      code: { coding: [{ display: 'a display alone' }], text: 'Patient/foreign' },
      identifier: [{ type: { text: 'MRN' }, value: 'Patient/foreign' }],
      valueAttachment: { contentType: 'text/plain', data: 'QQ==' },
    })
    expect(outgoing(resource, policy)).toBe(resource)
  })

  it('keeps what an insurer calls a subscriber who is not named to itself', () => {
    const coverage = (subscriber: object, subscriberId: unknown = 'N1') => ({
      resourceType: 'Coverage',
      beneficiary: { reference: 'Patient/own' },
      ...subscriber,
      subscriberId,
    })
    const own = coverage({ subscriber: { reference: 'Patient/own' } })
    expect(outgoing(own, policy)).toBe(own)
    for (const subscriber of [
      {},
      { subscriber: { reference: 'RelatedPerson/r' } },
      { subscriber: { display: 'Fremd' } },
    ]) {
      for (const number of ['N1', [{ value: 'N1' }]]) {
        const left = outgoing(coverage(subscriber, number), policy)
        expect(left).not.toHaveProperty('subscriberId')
        expect(leftOutOf(left)?.references).toBe('subscriber' in subscriber ? 2 : 1)
        expect(leave({ contained: [{ ...coverage(subscriber, number), id: 'c' }] })).not.toMatchObject({
          contained: [{ subscriberId: number }],
        })
      }
    }
    const others = { ...own, id: 'c', beneficiary: { reference: 'Patient/foreign' } }
    expect(leave({ contained: [others] })).not.toHaveProperty('contained')
  })

  it('has no contents of attachments where they do not leave', () => {
    const left = leave(
      { valueAttachment: { contentType: 'text/plain', data: 'QQ==', title: 'A' } },
      {
        ...policy,
        attachments: 'left out',
      },
    )
    expect(left.valueAttachment).toEqual({ contentType: 'text/plain', title: 'A' })
    expect(leftOutOf(left)).toEqual({ references: 0, contained: 0, attachments: 1, characters: 0 })
  })

  it('is counted once, however often it is gone through, and what came masked is not counted', () => {
    const left = leave({ focus: [{ reference: 'Patient/foreign' }, of('Patient'), nobody] })
    expect(leftOutOf(left)).toEqual({ references: 1, contained: 0, attachments: 0, characters: 0 })
    expect(outgoing(left, policy)).toBe(left)
    expect(outgoing({ ...left }, policy).focus).toEqual(left.focus)
  })

  it('goes by the policy, and by nothing else', () => {
    const everybody: OutgoingPolicy = { ...policy, mayName: () => true }
    const resource = observation({
      focus: [{ reference: 'Patient/foreign' }, { reference: 'RelatedPerson/r' }],
    })
    expect(outgoing(resource, everybody)).toBe(resource)
    expect(
      leave({ focus: [{ reference: 'Patient/own' }] }, { ...policy, mayName: () => false }).focus,
    ).toEqual([of('Patient')])
  })
})
