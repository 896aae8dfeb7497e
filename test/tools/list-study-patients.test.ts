import { describe, expect, it } from 'vitest'
import type { Patient } from '../../src/fhir/types.ts'
import { listStudyPatients } from '../../src/tools/list-study-patients.ts'
import {
  callTool,
  cursorOf,
  emptiesIn,
  enrolmentOf,
  entriesOf,
  notesOf,
  principalOf,
  resourceOf,
  tableOf,
} from './call-tool.ts'
import { cohort } from './cohort.ts'

const principal = principalOf({ studies: ['s1'] })
const call = (given: object, more: object = {}) =>
  callTool(listStudyPatients, { study_id: 's1', ...given }, { principal, holdings: cohort, ...more })
const idsOf = (resources: { id?: string }[]) => resources.map(({ id }) => id)

describe('list_study_patients', () => {
  it('gives the enrolled patients with id, participant code, birth year and sex, and no more', async () => {
    const { answer } = await call({})
    expect(resourceOf(answer)).toMatchObject({ type: 'searchset', total: 4 })
    expect(idsOf(entriesOf(answer))).toEqual(['p1', 'p2', 'p5', 'p6'])
    expect(entriesOf(answer)[0]).toEqual({
      resourceType: 'Patient',
      id: 'p1',
      active: true,
      gender: 'female',
      birthDate: '1962',
      meta: {
        tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
      },
    })
    expect(answer.text).toContain(
      '- Patient/p1 | code "P1", on-study 2026-01-01.. in study s1 | born 1962 | female\n',
    )
    expect(answer.text).toContain('as of 2026-11-23T05:00:00.000Z')
    for (const secret of ['Moreau', '05-14', 'MRN', '555', 'Springfield']) {
      expect(JSON.stringify(answer)).not.toContain(secret)
    }
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('gives names, birth dates and identifiers when identified, but neither telecom nor address', async () => {
    for (const format of ['fhir', 'fhir_full']) {
      const { answer } = await call({ detail: 'identified', format })
      expect(entriesOf(answer)[0]).toMatchObject({
        name: [{ family: 'Moreau', given: ['Anna'] }],
        birthDate: '1962-05-14',
        identifier: [{ value: 'MRN-p1' }],
      })
      expect(answer.text).toContain('Anna Moreau')
      for (const secret of ['555-0100', 'Springfield']) expect(JSON.stringify(answer)).not.toContain(secret)
    }
  })

  it('keeps what changes the meaning: a merged, inactive record says so', async () => {
    const { answer } = await call({})
    expect(entriesOf(answer)[3]).toMatchObject({
      active: false,
      link: [{ other: { reference: 'Patient/p1' }, type: 'replaced-by' }],
    })
    expect(answer.text).toContain('| not active | replaced by Patient/p1')
  })

  it('includes the ResearchSubjects in the shape of R4, every enrolment of somebody who came back', async () => {
    const { answer } = await call({})
    const subjects = entriesOf(answer, 'include')
    expect(idsOf(subjects)).toEqual(['rs-p1', 'rs-p2', 'rs-p5-1', 'rs-p5-2', 'rs-p6'])
    expect(subjects[2]).toEqual({
      resourceType: 'ResearchSubject',
      id: 'rs-p5-1',
      meta: {
        tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
      },
      identifier: [{ value: 'P5' }],
      status: 'withdrawn',
      period: { start: '2026-01-01', end: '2026-02-01' },
      study: { reference: 'ResearchStudy/s1' },
      individual: { reference: 'Patient/p5' },
    })
    expect(subjects[1]).not.toHaveProperty('identifier')
    expect(subjects[1]).not.toHaveProperty('period')
  })

  it('invents no ResearchSubject where the exchange has none: the code is the identifier in the row', async () => {
    const holdings = {
      patients: cohort.patients,
      rosters: {
        'study/s1': [
          enrolmentOf('p1', { subject: undefined, status: 'member', enrolled: true, codes: ['MRN-p1'] }),
        ],
      },
    }
    const { answer, exchange } = await call({}, { holdings })
    expect(entriesOf(answer, 'include')).toEqual([])
    expect(entriesOf(answer)[0]?.identifier).toEqual([{ system: 'urn:x:mrn', value: 'MRN-p1' }])
    expect(answer.text).toContain('code "MRN-p1", member')
    expect(exchange.asked.map(({ method }) => method)).toEqual(['patients'])
  })

  it.each(['withdrawn', 'all'])(
    'gives members who are not enrolled from the roster alone (%s)',
    async (enrolment) => {
      const { answer, exchange } = await call({ enrolment, detail: 'identified', format: 'fhir_full' })
      const left = entriesOf(answer).filter(({ id }) => id === 'p3' || id === 'p4')
      expect(left).toHaveLength(2)
      for (const patient of left) expect(Object.keys(patient).sort()).toEqual(['id', 'meta', 'resourceType'])
      expect(answer.text).toContain('- Patient/p3 | code "P3", withdrawn 2026-01-01..2026-03-01 in study s1')
      expect(answer.text).toContain('- Patient/p4 | code "P4", screening in study s1')
      expect(notesOf(answer)[0]).toContain('2 on this page are not enrolled')
      const named = exchange.asked.flatMap(({ ids }) => ids ?? [])
      expect(named).not.toContain('p3')
      expect(named).not.toContain('p4')
      expect(JSON.stringify(answer)).not.toContain('Withdrawn"')
    },
  )

  it('never lists somebody who came back as withdrawn, and asks for no Patient then', async () => {
    const { answer, exchange } = await call({ enrolment: 'withdrawn' })
    expect(idsOf(entriesOf(answer))).toEqual(['p3', 'p4'])
    expect(resourceOf(answer).total).toBe(2)
    expect(exchange.asked.map(({ method }) => method)).toEqual(['fhirVersion'])
  })

  it('asks for the patients of the page only, and pages to the end', async () => {
    const seen: (string | undefined)[] = []
    let cursor: string | undefined
    do {
      const { answer, exchange } = await call({ limit: 2, enrolment: 'all', ...(cursor && { cursor }) })
      const page = idsOf(entriesOf(answer))
      const named = exchange.asked.flatMap(({ ids }) => ids ?? [])
      expect(page).toEqual(expect.arrayContaining(named))
      expect(resourceOf(answer).total).toBe(6)
      seen.push(...page)
      cursor = cursorOf(answer)
    } while (cursor !== undefined)
    expect(seen).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
  })

  it('continues behind what fits the byte budget, without losing a row', async () => {
    const small = { byteBudget: 5000 }
    const first = (await call({}, small)).answer
    expect(entriesOf(first).length).toBeLessThan(4)
    expect(notesOf(first).join()).toContain('(limit): an answer holds ')
    const seen = idsOf(entriesOf(first))
    let cursor = cursorOf(first)
    while (cursor !== undefined) {
      const { answer } = await call({ cursor }, small)
      seen.push(...idsOf(entriesOf(answer)))
      cursor = cursorOf(answer)
    }
    expect(seen).toEqual(['p1', 'p2', 'p5', 'p6'])
  })

  it('refuses a cursor for other arguments, and takes it for another format or limit', async () => {
    const cursor = cursorOf((await call({ limit: 1 })).answer)
    await expect(call({ limit: 1, cursor, enrolment: 'all' })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
    const table = tableOf((await call({ limit: 2, cursor, format: 'table' })).answer)
    expect(table.rows.map(([id]) => id)).toEqual(['p2', 'p5'])
  })

  it('gives the same as a table, with names only when identified', async () => {
    const minimal = tableOf((await call({ format: 'table' })).answer)
    expect(minimal.columns).not.toContain('name')
    expect(minimal.rows).toEqual([
      ['p1', 'P1', 's1', 'on-study', '2026-01-01', null, 1962, 'female', true, null, null],
      ['p2', null, 's1', 'on-study', null, null, 1990, 'female', true, null, null],
      [
        'p5',
        'P5; P5',
        's1; s1',
        'withdrawn; on-study',
        '2026-01-01; 2026-04-01',
        '2026-02-01; ',
        1962,
        'female',
        true,
        null,
        null,
      ],
      ['p6', 'P6', 's1', 'on-study', '2026-01-01', null, 1962, 'female', false, null, 'Patient/p1'],
    ])
    const given = { format: 'table', detail: 'identified', enrolment: 'all' }
    const identified = tableOf((await call(given)).answer)
    expect(identified.columns.slice(-3)).toEqual(['name', 'birth_date', 'identifier'])
    expect(identified.rows[0]?.slice(-3)).toEqual(['Anna Moreau', '1962-05-14', 'MRN-p1'])
    expect(identified.rows[2]?.slice(-3)).toEqual([null, null, null])
  })

  it('refuses fhir_full without detail identified, before anything is asked', async () => {
    await expect(call({ format: 'fhir_full' })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      detail:
        'format: format fhir_full needs detail identified; use format fhir, or say detail: "identified"',
    })
  })

  it('names enrolled patients that the exchange does not have', async () => {
    const patients: Patient[] = cohort.patients.filter(({ id }) => id !== 'p5')
    const { answer } = await call({}, { holdings: { ...cohort, patients } })
    expect(idsOf(entriesOf(answer))).toContain('p5')
    expect(notesOf(answer)).toContain('Enrolled, but without a Patient on the exchange: p5.')
  })

  it('says why nobody is listed', async () => {
    const only = { rosters: { 'study/s1': [enrolmentOf('p3', { status: 'withdrawn' })] } }
    expect(notesOf((await call({}, { holdings: only })).answer)).toEqual([
      'Nobody with enrolment enrolled; members otherwise: 1 (enrolment all lists them).',
    ])
    expect(notesOf((await call({}, { holdings: {} })).answer)).toEqual(['The study has no members.'])
  })

  it('is refused for a study that is not permitted, without a request', async () => {
    await expect(call({ study_id: 's9' })).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
  })
})

describe('list_study_patients under SMART scopes', () => {
  const scoped = (scope: string, patient?: string) =>
    principalOf({ studies: ['s1'], scope, ...(patient === undefined ? {} : { patient }) })

  it('gives a patient-only token its own row, and no code or status of anybody else', async () => {
    const own = scoped('patient/Patient.rs', 'p1')
    for (const enrolment of ['enrolled', 'withdrawn', 'all']) {
      const { answer } = await call({ enrolment }, { principal: own })
      for (const other of ['p2', 'p3', 'p4', 'p5', 'P2', 'P3', 'P4', 'P5']) {
        expect(JSON.stringify(answer)).not.toMatch(new RegExp(`\\b${other}\\b`))
      }
    }
    const { answer } = await call({}, { principal: own })
    expect(idsOf(entriesOf(answer))).toEqual(['p1'])
    const everybody = await call({ enrolment: 'all' })
    expect(JSON.stringify(everybody.answer)).toContain('p3')
  })

  it('gives a patient-only token nothing of a study where nobody is enrolled', async () => {
    const holdings = { rosters: { 'study/s1': [enrolmentOf('p3', { status: 'withdrawn' })] } }
    const own = scoped('patient/Patient.rs', 'p1')
    const { answer } = await call({ enrolment: 'all' }, { principal: own, holdings })
    expect(JSON.stringify(answer)).not.toContain('p3')
    const control = await call({ enrolment: 'all' }, { holdings })
    expect(JSON.stringify(control.answer)).toContain('p3')
  })

  it('asks for no Patient with a scope for ResearchSubject alone: enrolments only', async () => {
    const { answer, exchange } = await call(
      { detail: 'identified' },
      { principal: scoped('user/ResearchSubject.rs') },
    )
    expect(idsOf(entriesOf(answer))).toEqual(['p1', 'p2', 'p5', 'p6'])
    expect(exchange.asked.map(({ method }) => method)).toEqual(['fhirVersion'])
    expect(JSON.stringify(answer)).not.toContain('Moreau')
    expect(notesOf(answer)[0]).toContain('user/Patient.rs')
  })

  it('reads the Patient of its own context only, where only that is covered', async () => {
    const principal = scoped('user/ResearchSubject.rs patient/Patient.rs', 'p2')
    const { exchange } = await call({}, { principal })
    expect(exchange.asked.find(({ method }) => method === 'patients')?.ids).toEqual(['p2'])
  })

  it('is refused to a token without a scope for either', async () => {
    await expect(call({}, { principal: scoped('user/Observation.rs') })).rejects.toMatchObject({
      code: 'FHIR_MCP_INSUFFICIENT_SCOPE',
    })
  })
})
