import { describe, expect, it } from 'vitest'
import { type Roster, rosterOf } from '../../src/access/roster.ts'
import { fhirMcpError, isFhirMcpError } from '../../src/errors.ts'
import type { ResearchStudy } from '../../src/fhir/types.ts'
import { type Directory, resolve } from '../../src/mcp/resolve.ts'

const studies: ResearchStudy[] = [
  {
    resourceType: 'ResearchStudy',
    id: 'study-a',
    status: 'active',
    title: 'Heart Study',
    identifier: [{ system: 'urn:x', value: 'ST-A' }],
  },
  {
    resourceType: 'ResearchStudy',
    id: 'study-b',
    status: 'active',
    title: 'Sleep',
    identifier: [{ value: 'ST-B' }],
  },
  { resourceType: 'ResearchStudy', id: 'study-c', status: 'active', title: 'sleep' },
  { resourceType: 'ResearchStudy', id: 'study-d', status: 'active' },
]

function enrolment(patient: string, ...codes: string[]) {
  return {
    patient,
    subject: undefined,
    codes,
    status: 'on-study',
    enrolled: true,
    start: undefined,
    end: undefined,
  }
}

const roster: Roster = rosterOf(
  [
    enrolment('pat-1', 'A001'),
    enrolment('pat-2', 'A002', 'pat-1'),
    enrolment('pat-3', 'urn:x|A003'),
    enrolment('pat-4'),
  ],
  true,
  0,
)

function directory() {
  const asked: string[] = []
  const one: Directory = {
    studies: async () => {
      asked.push('studies')
      return studies
    },
    roster: async ({ kind, id }) => {
      asked.push(`${kind}/${id}`)
      if (id !== 'study-a') throw fhirMcpError('FORBIDDEN')
      return roster
    },
  }
  return { asked, one }
}

const study = async (text: string) => {
  const { asked, one } = directory()
  const target = await resolve({ kind: 'study', study: text }, one)
  return { asked, target }
}
const patient = async (text: string, of: string | undefined) => {
  const { asked, one } = directory()
  const target = await resolve({ kind: 'patient', patient: text, study: of }, one)
  return { asked, target }
}
async function thrownBy(run: Promise<unknown>) {
  return run.then(
    () => undefined,
    (thrown: unknown) => (isFhirMcpError(thrown) ? thrown : undefined),
  )
}

describe('a study in the caller’s words', () => {
  it.each(['study-z', 'ResearchStudy/study-z', 'Group/study-z'])(
    'is taken by id from %s, without a question',
    async (text) => {
      expect(await study(text)).toEqual({ asked: [], target: { kind: 'study', study: 'study-z' } })
    },
  )

  it.each([
    ['an exact title', 'heart study'],
    ['a title that says so', 'title=Heart Study'],
    ['an identifier with its system', 'urn:x|ST-A'],
    ['an identifier that says so', 'identifier=ST-A'],
  ])('is found by %s', async (_, text) => {
    expect(await study(text)).toEqual({ asked: ['studies'], target: { kind: 'study', study: 'study-a' } })
  })

  it.each([
    ['a title', 'Heart\u200b Study\u202e', 'heart study'],
    ['a title of two lines', 'Heart\nStudy', 'Heart Study'],
    ['the title as it came', 'Heart\u200b Study', 'Heart\u200b Study'],
    ['an identifier', 'Another', 'ST\u00ad-A'],
  ])('is found by %s as answers show it', async (_, title, text) => {
    const one: Directory = {
      ...directory().one,
      studies: async () => [
        {
          resourceType: 'ResearchStudy',
          id: 'study-a',
          status: 'active',
          title,
          identifier: [{ value: 'ST\u200b-A' }],
        },
      ],
    }
    const target = await resolve({ kind: 'study', study: text }, one)
    expect(target).toEqual({ kind: 'study', study: 'study-a' })
  })

  it('is ambiguous when two within reach fit, and the choices are listed', async () => {
    const error = await thrownBy(study('title=Sleep'))
    expect(error?.code).toBe('FHIR_MCP_AMBIGUOUS')
    expect(error?.choices.map((choice) => choice.id)).toEqual(['study-b', 'study-c'])
  })

  it.each(['title=Heart', 'title=ST-A', 'identifier=Heart Study', 'No Such Study'])(
    'is not found by %s',
    async (text) => {
      expect((await thrownBy(study(text)))?.code).toBe('FHIR_MCP_FORBIDDEN')
    },
  )

  it.each(['ResearchStudy/..', 'ResearchStudy/a b', 'Group/a?x=y'])('is refused as %s', async (text) => {
    expect((await thrownBy(study(text)))?.code).toBe('FHIR_MCP_INVALID_ARGUMENT')
  })
})

describe('a patient in the caller’s words', () => {
  it.each(['pat-9', 'Patient/pat-9'])('is taken by id from %s, without a question', async (text) => {
    expect(await patient(text, undefined)).toEqual({
      asked: [],
      target: { kind: 'patient', patient: 'pat-9' },
    })
  })

  it.each([
    ['of a code with what nobody sees', 'A\u200b0\u202e01', 'A001'],
    ['of a code of two lines', 'A\n 001', 'A 001'],
    ['of a code with its system', 'urn:x|A\u00ad001', 'A001'],
    ['of the code as it came', 'A\u200b001', 'A\u200b001'],
    ['of a code with a quote', 'A "1"\u2800', 'A "1"'],
  ])('is found by what answers show %s', async (_, code, text) => {
    const one: Directory = {
      ...directory().one,
      roster: async () => rosterOf([enrolment('pat-5', code), enrolment('pat-6', 'A002')], true, 0),
    }
    const target = await resolve({ kind: 'patient', patient: text, study: 'study-a' }, one)
    expect(target).toMatchObject({ patient: 'pat-5' })
  })

  it('is ambiguous where answers show two codes as one', async () => {
    const one: Directory = {
      ...directory().one,
      roster: async () => rosterOf([enrolment('pat-5', 'A\u200b001'), enrolment('pat-6', 'A001')], true, 0),
    }
    const error = await thrownBy(resolve({ kind: 'patient', patient: 'A001', study: 'study-a' }, one))
    expect(error?.code).toBe('FHIR_MCP_AMBIGUOUS')
  })

  it.each(['Observation/1', 'Patient/1/x', 'pat 9', '../Patient/1', 'Patient/1?x=y', 'a,b', 'a|b', ''])(
    'is refused as %j',
    async (text) => {
      expect((await thrownBy(patient(text, undefined)))?.code).toBe('FHIR_MCP_INVALID_ARGUMENT')
    },
  )

  it.each(['A001', 'Patient/pat-3', 'A003', 'urn:x|A003'])('is found by %s in a study', async (text) => {
    const { asked, target } = await patient(text, 'study-a')
    expect(asked).toEqual(['study/study-a'])
    expect(target).toMatchObject({ kind: 'patient', patient: text === 'A001' ? 'pat-1' : 'pat-3' })
  })

  it('is ambiguous when a code of one is the id of another', async () => {
    const error = await thrownBy(patient('pat-1', 'study-a'))
    expect(error?.code).toBe('FHIR_MCP_AMBIGUOUS')
    expect(error?.choices.map((choice) => choice.id)).toEqual(['Patient/pat-2', 'Patient/pat-1'])
    expect((await patient('Patient/pat-1', 'study-a')).target).toMatchObject({ patient: 'pat-1' })
  })

  it('is not found when the study has no such code, and not when the study is out of reach', async () => {
    expect((await thrownBy(patient('Z999', 'study-a')))?.code).toBe('FHIR_MCP_FORBIDDEN')
    expect((await thrownBy(patient('A001', 'study-z')))?.code).toBe('FHIR_MCP_FORBIDDEN')
  })

  it('that has no code is named so among the choices', async () => {
    const { one } = directory()
    const two = rosterOf([enrolment('pat-4'), enrolment('pat-5', 'pat-4')], true, 0)
    const error = await thrownBy(
      resolve({ kind: 'patient', patient: 'pat-4', study: 'study-a' }, { ...one, roster: async () => two }),
    )
    expect(error?.choices.map((choice) => choice.label)).toContain('without a participant code')
  })
})

describe('other subjects', () => {
  it('pass as they are', async () => {
    const { one } = directory()
    expect(await resolve({ kind: 'reach' }, one)).toEqual({ kind: 'reach' })
    expect(await resolve({ kind: 'organization', organization: 'Organization/7' }, one)).toEqual({
      kind: 'organization',
      organization: '7',
    })
  })
})
