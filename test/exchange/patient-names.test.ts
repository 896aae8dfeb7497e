import { describe, expect, it } from 'vitest'
import { fitsNames, wordsOfName } from '../../src/exchange/patient-names.ts'
import type { Patient } from '../../src/fhir/types.ts'

type Name = NonNullable<Patient['name']>[number]

const chidi: Name = { family: 'Achebe', given: ['Chidi', 'Emeka'] }
const vanDerBerg: Name = { family: 'van der Berg', given: ['Anna'], prefix: ['Dr.'] }
const jose: Name = { family: 'García-Márquez', given: ['José'] }
const textOnly: Name = { text: 'Chidi Achebe' }

const fits = (name: Name, wanted: string) =>
  fitsNames({ resourceType: 'Patient', name: [name] }, { name: wanted })

describe('a wanted name', () => {
  it.each<[Name, string]>([
    [chidi, 'Chidi Achebe'],
    [chidi, 'Achebe, Chidi'],
    [chidi, '  chidi   ACHEBE '],
    [chidi, 'Chi Ach'],
    [chidi, 'Chidi E. Achebe'],
    [chidi, 'Achebe'],
    [vanDerBerg, 'van der Berg'],
    [vanDerBerg, 'Anna van der Berg'],
    [vanDerBerg, 'Berg, Anna'],
    [vanDerBerg, 'Dr Anna'],
    [jose, 'jose garcia'],
    [jose, 'José Márquez'],
    [jose, 'Garcia Marquez'],
    [{ family: 'Weiß', given: ['Jörg'] }, 'WEISS'],
    [{ family: 'O’Brien', given: ['Aoife'] }, "o'brien aoife"],
    [{ family: '李', given: ['雷'] }, '李 雷'],
    [textOnly, 'Chidi Achebe'],
    [textOnly, 'Achebe Chidi'],
  ])('is %j by %j', (name, wanted) => {
    expect(fits(name, wanted)).toBe(true)
  })

  it.each<[Name, string]>([
    [chidi, 'Chidi Okafor'],
    [chidi, 'hidi'],
    [chidi, 'Chidi Achebes'],
    // What servers find goes by the beginning of a part.
    [vanDerBerg, 'Berg'],
    [textOnly, 'Achebe'],
    [{}, 'Chidi'],
  ])('is not %j by %j', (name, wanted) => {
    expect(fits(name, wanted)).toBe(false)
  })

  it('is compared with the family or the given names alone where that is asked', () => {
    const patient: Patient = { resourceType: 'Patient', name: [vanDerBerg] }
    expect(fitsNames(patient, { family: 'Van Der Berg', given: 'anna' })).toBe(true)
    expect(fitsNames(patient, { family: 'Anna' })).toBe(false)
    expect(fitsNames(patient, { given: 'van' })).toBe(false)
    expect(fitsNames({ resourceType: 'Patient' }, { name: 'Anna' })).toBe(false)
    expect(fitsNames(patient, {})).toBe(true)
  })

  it('is asked for by each of its words, once', () => {
    expect(wordsOfName('van der Berg, van')).toEqual(['van', 'der', 'Berg'])
    expect(wordsOfName('Jean-Luc J.')).toEqual(['Jean', 'Luc', 'J'])
    for (const nothing of ['', ' , ', '-', '...']) {
      expect(() => wordsOfName(nothing)).toThrow('must not be empty')
    }
  })
})
