import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/exchange/bundle-slices.ts'

const parsed = (text: string) => parseBundle(Buffer.from(text))

describe('a Bundle read entry by entry', () => {
  it('is what JSON.parse makes of it, whatever is in it', async () => {
    const bundle = fc.record({
      before: fc.jsonValue(),
      entry: fc.array(fc.jsonValue(), { maxLength: 5 }),
      after: fc.jsonValue(),
    })
    const spaces = fc.constantFrom(0, 2)
    await fc.assert(
      fc.asyncProperty(bundle, spaces, async (value, space) => {
        const text = JSON.stringify(value, undefined, space)
        expect(await parsed(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    '{"entry":[]}',
    ' {"entry" : [ ] } ',
    '{"a":{"entry":[1,[2]]},"entry":[{"entry":[3]},"]",",\\"",[4,5],null]}',
    '{"entry":[{"é":"\u{1f600}"},"\\ud83d"],"b":"entry"}',
    '{"entry":[1],"__proto__":{"a":1}}',
  ])('%s', async (text) => {
    const made = await parsed(text)
    expect(made).toEqual(JSON.parse(text))
    expect(JSON.stringify(made)).toBe(JSON.stringify(JSON.parse(text)))
  })

  it.each([
    '',
    '[{"entry":[1]}]',
    '"entry"',
    '{"a":1}',
    '{"entry":{"a":[1,2]}}',
    '{"entry":[1],"entry":[2]}',
    '{"entry":[1],"\\u0065ntry":[2]}',
    '{"entry":[1,]}',
    '{"entry":[,1]}',
    '{"entry":[1 2]}',
    '{"entry":[{"a":[}]}',
    '{"entry":[1}',
    '{"entry":[1]',
    '{"entry":[1]} {}',
    '{"entry":[1],}',
    '\ufeff{"entry":[1]}',
  ])('leaves %s to JSON.parse', async (text) => {
    expect(await parsed(text)).toBeUndefined()
  })
})
