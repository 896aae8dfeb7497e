import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkArguments } from '../../src/mcp/call.ts'
import { givenArguments } from '../../src/mcp/given-arguments.ts'

const input = z.strictObject({
  id: z.string(),
  limit: z.int().min(1).max(100).default(50),
  share: z.number().optional(),
  by_patient: z.boolean().default(false),
  types: z.array(z.string()).min(1).optional(),
  when: z.union([z.string(), z.array(z.string())]).optional(),
  search: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  kind: z.enum(['', 'short', 'long']).optional(),
  note: z.string().nullable().optional(),
  any: z.unknown().optional(),
})
const read = (given: unknown) => checkArguments(input, given)
const refused = (given: unknown) => {
  try {
    return read(given)
  } catch (thrown) {
    return thrown
  }
}

describe('arguments', () => {
  it.each([
    [{ id: 40006 }, { id: '40006' }],
    [{ id: ['40006'] }, { id: '40006' }],
    [{ id: 'x', limit: '10' }, { limit: 10 }],
    [{ id: 'x', limit: ' 10.0 ' }, { limit: 10 }],
    [{ id: 'x', share: '-0.25' }, { share: -0.25 }],
    [{ id: 'x', by_patient: 'true' }, { by_patient: true }],
    [{ id: 'x', by_patient: 'False' }, { by_patient: false }],
    [{ id: 'x', types: 'heart-rate' }, { types: ['heart-rate'] }],
    [{ id: 'x', types: '["heart-rate","steps"]' }, { types: ['heart-rate', 'steps'] }],
    [{ id: 'x', types: '[heart-rate' }, { types: ['[heart-rate'] }],
    [{ id: 'x', types: 88674 }, { types: ['88674'] }],
    [{ id: 'x', types: [1, '2'] }, { types: ['1', '2'] }],
    [{ id: 'x', when: 1962 }, { when: '1962' }],
    [{ id: 'x', when: '["ge1960","lt1970"]' }, { when: ['ge1960', 'lt1970'] }],
    [{ id: 'x', when: '[text]' }, { when: '[text]' }],
    [{ id: 'x', search: '{"code":"a","date":["x"]}' }, { search: { code: 'a', date: ['x'] } }],
    [{ id: 'x', search: { code: 7, date: null, 'text:in': '' } }, { search: { code: '7', 'text:in': '' } }],
    [{ id: 'x', kind: '' }, { kind: '' }],
    [
      { id: 'x', note: null, any: null },
      { note: null, any: null },
    ],
    [{ id: '00123' }, { id: '00123' }],
    [{ id: 'true' }, { id: 'true' }],
  ])('%j are read as their schema means them', (given, expected) => {
    expect(read(given)).toMatchObject(expected)
  })

  it('that are null or empty are left out where they are optional, by name', () => {
    const given = { id: 'x', limit: null, share: '', by_patient: null, types: ' ', search: { code: null } }
    expect(read(given)).toEqual({ id: 'x', limit: 50, by_patient: false, search: {} })
    expect(givenArguments(input, given).empty).toEqual([
      'limit',
      'share',
      'by_patient',
      'types',
      'search.code',
    ])
    expect(givenArguments(input, { id: 'x' }).empty).toEqual([])
  })

  it.each([
    [{}, 'id is missing'],
    [{ id: null }, 'id is missing'],
    [null, 'id is missing'],
    [{ id: 1.5 }, 'id: '],
    [{ id: 2 ** 53 }, 'id: a whole number beyond 2^53 loses digits in JSON; send it as a text, in quotes'],
    [JSON.parse('{"id":"x","types":[123456789012345678901]}'), 'types: a whole number beyond 2^53'],
    [{ id: 'x', share: '9007199254740993' }, 'share: a whole number beyond 2^53'],
    [{ id: 'x', limit: 'ten' }, 'limit: '],
    [{ id: 'x', limit: '1e1' }, 'limit: '],
    [{ id: 'x', by_patient: 'yes' }, 'by_patient: '],
    [{ id: 'x', types: [] }, 'types: '],
    [{ id: ['a', 'b'] }, 'id: '],
    [
      { id: 'x', patient: 'secret', other: 1 },
      'there is no argument patient, other; the arguments are id, limit, share, by_patient, types, when',
    ],
    ['text', 'expected object'],
    [[], 'expected object'],
  ])('%j are refused', (given, words) => {
    expect(refused(given)).toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      detail: expect.stringContaining(words),
    })
    expect(String(refused(given))).not.toContain('secret')
  })

  it('of a tool that takes none are refused so', () => {
    expect(() => checkArguments(z.strictObject({}), { random_string: 'x' })).toThrow(
      'there is no argument random_string; this tool takes no arguments',
    )
    expect(checkArguments(z.strictObject({}), null)).toEqual({})
  })
})
