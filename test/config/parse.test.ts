import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseBy } from '../../src/config/parse.ts'

const schema = z.object({
  storage: z
    .union([z.literal('memory'), z.object({ redis: z.string(), prefix: z.string().default('x:') })])
    .default('memory'),
})
const message = (storage: unknown) => {
  try {
    return JSON.stringify(parseBy(schema, { storage }).storage)
  } catch (thrown) {
    return String(thrown).replace(/^.*usable\. /, '')
  }
}

describe('a setting that is a word or a group', () => {
  it('is taken as either', () => {
    expect(message(undefined)).toBe('"memory"')
    expect(message('memory')).toBe('"memory"')
    expect(message({ redis: 'a' })).toBe('{"redis":"a","prefix":"x:"}')
  })

  it('is refused by what is wrong within the group that was given', () => {
    expect(message({ prefix: 'y:' })).toBe('storage.redis is required.')
    expect(message({ redis: 'a', prefix: 1, port: 2 })).toBe(
      'storage.port is not an option; storage.prefix must be a text.',
    )
    expect(message('disk')).toBe('storage does not have an accepted form.')
  })
})
