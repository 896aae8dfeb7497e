import { describe, expect, it } from 'vitest'
import { askedTypeOf, codeText } from '../../../src/tools/arguments/data-type.ts'

const textsOf = (word: string) => askedTypeOf(word).codes.map(codeText)

describe('a data_type', () => {
  it('by short name means all its known codes', () => {
    const texts = textsOf('heart-rate')
    expect(texts).toContain('omh:heart-rate:2.0')
    expect(texts).toContain('omh:heart-rate:1.0')
    expect(texts).toContain('LOINC 8867-4')
    expect(askedTypeOf('Heart Rate').label).toBe('heart-rate')
  })

  it('by LOINC or Open mHealth code means its type and that code', () => {
    expect(textsOf('8867-4')).toEqual(textsOf('heart-rate'))
    expect(textsOf('omh:heart-rate:2.0')).toEqual(textsOf('heart-rate'))
    expect(textsOf('omh:heart-rate:9.9')).toEqual([...textsOf('heart-rate'), 'omh:heart-rate:9.9'])
    expect(textsOf('omh:heart-rate:2.0')).toContain('LOINC 40443-4')
  })

  it.each(['LOINC 8867-4', 'loinc 8867-4', 'LOINC:8867-4', ' 8867-4 '])(
    'takes "%s" as the LOINC code',
    (word) => {
      expect(askedTypeOf(word)).toEqual(askedTypeOf('8867-4'))
    },
  )

  it.each(['2885-2', 'LOINC 2885-2', 'http://loinc.org|2885-2'])(
    'searches "%s", of no type, as that code',
    (word) => {
      const asked = askedTypeOf(word)
      expect(asked.codes).toEqual([{ system: 'http://loinc.org', code: '2885-2' }])
      expect(asked.type).toBeUndefined()
    },
  )

  it('searches a code of a schema that nobody described as that code', () => {
    expect(askedTypeOf('omh:grip-strength:1.0')).toMatchObject({
      codes: [{ system: 'https://w3id.org/openmhealth', code: 'omh:grip-strength:1.0' }],
      label: 'omh:grip-strength:1.0',
    })
  })

  it.each(['systolic', 'Systolic blood pressure', '8480-6', 'LOINC 8480-6'])(
    'takes "%s" as one value of its type',
    (word) => {
      const asked = askedTypeOf(word)
      expect([asked.type?.name, asked.member?.path, asked.label]).toEqual([
        'blood-pressure',
        'systolic_blood_pressure',
        'systolic blood pressure',
      ])
      expect(asked.codes.map(codeText)).toEqual([
        ...['4.0', '3.1', '3.0', '2.0', '1.0'].map((version) => `omh:blood-pressure:${version}`),
        'LOINC 8480-6',
      ])
      expect(asked.panels.map(codeText)).toEqual(['LOINC 85354-9', 'LOINC 55284-4', 'LOINC 35094-2'])
    },
  )

  it('by system and code means exactly that code, known or not', () => {
    expect(textsOf('http://loinc.org|8867-4')).toEqual(['LOINC 8867-4'])
    const foreign = askedTypeOf('http://snomed.info/sct|271649006')
    expect(foreign).toMatchObject({ type: undefined, label: 'http://snomed.info/sct|271649006' })
    expect(foreign.codes.map(codeText)).toEqual(['http://snomed.info/sct|271649006'])
  })

  it.each([['heart'], ['omh:nothing'], ['|8867-4'], ['http://loinc.org|'], ['no uri|8867-4']])(
    'refuses "%s" and lists the short names',
    (word) => {
      expect(() => askedTypeOf(word)).toThrow(
        expect.objectContaining({
          code: 'FHIR_MCP_INVALID_ARGUMENT',
          detail: expect.stringMatching(/blood-glucose, blood-pressure, .*system\|code/),
        }),
      )
    },
  )
})
