import { UcumLhcUtils, UnitTables } from '@lhncbc/ucum-lhc'
import { describe, expect, it } from 'vitest'
import { codesOfTextUnit, unitTexts } from '../../src/units/text-units.ts'
import lists from './lists/text-units.json' with { type: 'json' }

/** A text without what writers do as they like: case, blanks, plural, and which letter stands for micro. */
function bare(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase().replace(/[\s.]/g, '').replaceAll('μ', 'u')
  return folded.replace('metre', 'meter').replace('litre', 'liter').replace(/s$/, '')
}

/** What UCUM calls its units, by their codes. */
function namesInUcum(): [text: string, code: string][] {
  UcumLhcUtils.getInstance()
  return UnitTables.getInstance()
    .allUnitsByDef()
    .flatMap(({ csCode_, name_, printSymbol_, synonyms_ }) => {
      const texts = [csCode_, name_, printSymbol_ ?? '', ...(synonyms_ ?? '').split(/;\s*/)]
      return texts.filter((text) => text !== '').map((text): [string, string] => [text, csCode_])
    })
}

const listed = lists.sources.flatMap(({ texts }) =>
  Object.entries(texts as unknown as Record<string, string>),
)
const own = Object.entries(lists.own.texts)

describe('the texts of units', () => {
  it.each(lists.sources)('of $name ($version) are understood', ({ texts }) => {
    for (const [text, code] of Object.entries(texts)) {
      expect([text, codesOfTextUnit(text).codes]).toEqual([text, expect.arrayContaining([code])])
    }
  })

  it('are from a source, or said to be from none', () => {
    const known = new Map<string, Set<string>>()
    for (const [text, code] of [...listed, ...namesInUcum()]) {
      known.set(bare(text), (known.get(bare(text)) ?? new Set()).add(code))
    }
    const isListed = (text: string) =>
      codesOfTextUnit(text).codes.some((code) => known.get(bare(text))?.has(code) === true)
    const others = unitTexts.filter((text) => !isListed(text))
    expect(others.toSorted()).toEqual(own.map(([text]) => text).toSorted())
    for (const [text, code] of own) expect(codesOfTextUnit(text).codes).toContain(code)
  })
})
