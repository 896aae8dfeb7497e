import { describe, expect, it } from 'vitest'
import { searchPatients } from '../../src/tools/search-patients.ts'
import { callTool, cursorOf, emptiesIn, entriesOf, notesOf, principalOf, resourceOf } from './call-tool.ts'
import { cohort } from './cohort.ts'

const principal = principalOf({ studies: ['s1', 's2'], organizations: ['o1'] })
const call = (given: object, more: object = {}) =>
  callTool(searchPatients, given, { principal, holdings: cohort, ...more })
const idsOf = (resources: { id?: string }[]) => resources.map(({ id }) => id)

describe('search_patients', () => {
  it('gives both patients of one name, and nobody beyond reach', async () => {
    const { answer } = await call({ name: 'moreau' })
    expect(idsOf(entriesOf(answer))).toEqual(['p1', 'p2'])
    expect(resourceOf(answer).total).toBe(2)
    expect(answer.text).toContain('name "moreau" in everything within reach')
    expect(JSON.stringify(answer)).not.toContain('p9')
    const control = await call({ name: 'moreau' }, { principal: principalOf({ studies: ['s9'] }) })
    expect(idsOf(entriesOf(control.answer))).toEqual(['p9'])
  })

  it('gives the participant codes of every study within reach, and names only when identified', async () => {
    const { answer } = await call({ family: 'Moreau', given: 'Anna' })
    expect(answer.text).toContain(
      '- Patient/p1 | code "P1", on-study 2026-01-01.. in study s1 | code "B001", on-study 2026-01-01.. in study s2 | born 1962',
    )
    expect(idsOf(entriesOf(answer, 'include'))).toEqual(['rs-p1', 'rs2-p1', 'rs-p2'])
    expect(answer.text).not.toContain('Anna Moreau')
    expect((await call({ family: 'Moreau', detail: 'identified' })).answer.text).toContain(
      '| "Anna Moreau" |',
    )
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('searches one study where it is given', async () => {
    const { answer } = await call({ name: 'Moreau', study_id: 's2' })
    expect(idsOf(entriesOf(answer))).toEqual(['p1'])
    expect(answer.text).toContain('in study s2')
    expect(resourceOf(answer).link).toEqual([
      { relation: 'self', url: 'Patient?name=Moreau&study_id=s2&detail=minimal&_count=50' },
    ])
  })

  it('finds a patient of a permitted organization', async () => {
    expect(idsOf(entriesOf((await call({ name: 'Screening' })).answer))).toEqual(['p4'])
  })

  it('looks a participant code up in the rosters: no request names it', async () => {
    const { answer, exchange } = await call({ participant_code: 'B001' })
    expect(idsOf(entriesOf(answer))).toEqual(['p1'])
    expect(exchange.asked).toContainEqual({ method: 'patients', filter: {}, ids: ['p1'] })
    expect(JSON.stringify(exchange.asked)).not.toContain('B001')
  })

  it('asks nothing for a code that nobody enrolled has', async () => {
    for (const participant_code of ['P3', 'P9', 'nobody', 'P']) {
      const { answer, exchange } = await call({ participant_code })
      expect(entriesOf(answer)).toEqual([])
      expect(notesOf(answer)[0]).toContain('Nobody within reach fits')
      expect(exchange.asked).toEqual([])
    }
  })

  it('does not pass an unsearched code off as nobody: a superuser has to name the study', async () => {
    const superuser = principalOf({ superuser: true, studies: ['s1'] })
    await expect(call({ participant_code: 'B001' }, { principal: superuser })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      detail: 'participant_code needs study_id with a token that sees every study.',
    })
    const named = await call({ participant_code: 'B001', study_id: 's2' }, { principal: superuser })
    expect(idsOf(entriesOf(named.answer))).toEqual(['p1'])
    const own = principalOf({ studies: ['s1'], scope: 'patient/Patient.rs', patient: 'p1' })
    const { answer } = await call({ participant_code: 'P1' }, { principal: own })
    expect(notesOf(answer)[0]).toContain('Participant codes were not looked up')
  })

  it('says that a superuser gets participant codes in one study only', async () => {
    const { answer } = await call(
      { name: 'Moreau' },
      { principal: principalOf({ superuser: true, studies: ['s1'] }) },
    )
    expect(idsOf(entriesOf(answer))).toEqual(['p1', 'p2', 'p9'])
    expect(answer.text).not.toContain('code P1')
    expect(notesOf(answer)[0]).toContain('say study_id')
  })

  it('adds conditions up', async () => {
    const { answer, exchange } = await call({
      participant_code: 'P1',
      birthdate: ['ge1960-01-01', 'lt1970-01-01'],
      identifier: 'MRN-p1',
    })
    expect(idsOf(entriesOf(answer))).toEqual(['p1'])
    expect(exchange.asked[0]?.filter).toEqual({
      birthdate: ['ge1960-01-01', 'lt1970-01-01'],
      identifier: 'MRN-p1',
    })
    expect(entriesOf((await call({ participant_code: 'P1', birthdate: '1990-02-01' })).answer)).toEqual([])
    expect(idsOf(entriesOf((await call({ birthdate: '1990-02-01' })).answer))).toEqual(['p2'])
  })

  it('pages', async () => {
    const first = (await call({ name: 'Moreau', limit: 1 })).answer
    const second = (await call({ name: 'Moreau', limit: 1, cursor: cursorOf(first) })).answer
    expect([...idsOf(entriesOf(first)), ...idsOf(entriesOf(second))]).toEqual(['p1', 'p2'])
    expect(cursorOf(second)).toBeUndefined()
    await expect(call({ name: 'Anna', limit: 1, cursor: cursorOf(first) })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
  })

  it('gives a patient-only token nobody but its own patient', async () => {
    const own = principalOf({ studies: ['s1'], scope: 'patient/Patient.rs', patient: 'p2' })
    for (const study_id of [undefined, 's1']) {
      const { answer } = await call({ name: 'Moreau', ...(study_id && { study_id }) }, { principal: own })
      expect(idsOf(entriesOf(answer))).toEqual(['p2'])
    }
    const byCode = await call({ participant_code: 'P1', study_id: 's1' }, { principal: own })
    expect(entriesOf(byCode.answer)).toEqual([])
  })

  it('sees nobody with empty permissions', async () => {
    expect(entriesOf((await call({ name: 'Moreau' }, { principal: principalOf({}) })).answer)).toEqual([])
  })

  it.each([
    [{}, 'give at least one of name, family'],
    [{ study_id: 's1' }, 'give at least one of name, family'],
    [{ name: '  ' }, 'give at least one of name, family'],
    [
      { name: 'x', colour: 'red' },
      'there is no argument colour; the arguments are name, family, given, birthdate, identifier,',
    ],
    [{ name: 'x', format: 'fhir_full' }, 'needs detail identified'],
    [{ identifier: '|' }, 'identifier: must be a value, or system|value'],
    [{ identifier: 'urn:x|' }, 'identifier: must be a value, or system|value'],
    [{ birthdate: '62' }, 'birthdate: must be a day, month or year'],
    [{ birthdate: '1962-4' }, 'birthdate: must be a day, month or year'],
    [{ birthdate: 'ge1962-13' }, 'birthdate: is a date that the calendar does not have'],
    [{ birthdate: '1962-02-30' }, 'birthdate: is a date that the calendar does not have'],
    [{ birthdate: '1962-13-01' }, 'birthdate: is a date that the calendar does not have'],
    [{ birthdate: 'sa1962-04-30' }, 'birthdate: must be a day'],
    [{ birthdate: ['ge1962-04-30', 'x'] }, 'birthdate'],
    [{ birthdate: ['1962-04-30', '1962-04-30', '1962-04-30'] }, 'birthdate'],
  ])('refuses %j and says what would be right', async (given, words) => {
    await expect(call(given)).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      detail: expect.stringContaining(words),
    })
  })
})
