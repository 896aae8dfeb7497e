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
    expect(textsOf('8480-6')).toEqual(textsOf('blood-pressure'))
  })

  it('by system and code means exactly that code, known or not', () => {
    expect(textsOf('http://loinc.org|8867-4')).toEqual(['LOINC 8867-4'])
    const foreign = askedTypeOf('http://snomed.info/sct|271649006')
    expect(foreign).toMatchObject({ type: undefined, label: 'http://snomed.info/sct|271649006' })
    expect(foreign.codes.map(codeText)).toEqual(['http://snomed.info/sct|271649006'])
  })

  it.each([
    ['heart'],
    ['99999-9'],
    ['omh:nothing:1.0'],
    ['|8867-4'],
    ['http://loinc.org|'],
    ['no uri|8867-4'],
  ])('refuses "%s" and lists the short names', (word) => {
    expect(() => askedTypeOf(word)).toThrow(
      expect.objectContaining({
        code: 'FHIR_MCP_INVALID_ARGUMENT',
        detail: expect.stringMatching(/blood-glucose, blood-pressure, .*system\|code/),
      }),
    )
  })
})
