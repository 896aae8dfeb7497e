import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCatalog } from '../../src/errors.ts'
import { root, textOf } from './markdown.ts'

const page = textOf('docs/troubleshooting.md')
const [ours = '', others = ''] = page.split('\n## Messages of others\n')
const headings = (text: string) => [...text.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading)

/** All sources in one text. Literals that a line's end divides are found by their parts. */
const sources = ['src', 'plugins']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith('.ts') && !path.startsWith('src/demo'))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')
  .replace(/\$\{[^}]*\}/g, '…')

/** Parts of a message that no source says. */
function unsaid(heading: string): string[] {
  const [, name, rest = heading] = /^FHIR_MCP_([A-Z_]+): (.*)$/.exec(heading) ?? []
  if (name !== undefined && !Object.hasOwn(errorCatalog, name)) return [name]
  const message = Object.entries(errorCatalog).find(([key]) => key === name)?.[1].message ?? ''
  const detail = rest.startsWith(message) ? rest.slice(message.length) : rest
  const parts = detail
    .split('…')
    // The first word of a message may be the name of an option or variable, which is put in.
    .map((part) =>
      part.replace(/^FHIR_MCP_[A-Z_]+ (?=is|must|cannot)/, '').replace(/^(fhir|audit)\.\w+ /, ''),
    )
    .map((part) => part.trim().replace(/^(it failed) E[A-Z]+$/, '$1'))
  return parts.filter((part) => part.replace(/\.$/, '') !== '' && !says(part))
}

/** What is wrong is joined to a sentence, whose full stop is put in. */
function says(part: string): boolean {
  return sources.includes(part) || sources.includes(part.replace(/\.$/, ''))
}

describe('the page on troubles', () => {
  it.each(headings(ours))('is headed by what the code says: %s', (heading) => {
    expect(unsaid(heading)).toEqual([])
  })

  it('the control: what the code does not say is found', () => {
    expect(unsaid('FHIR_MCP_NOTHING: Not found.')).toEqual(['NOTHING'])
    expect(unsaid('FHIR_MCP_FORBIDDEN: This is not there.')).toEqual(['This is not there.'])
    expect(unsaid('… is given thrice, by value and by file')).toEqual([
      'is given thrice, by value and by file',
    ])
  })

  it('says of each trouble what to do', () => {
    expect(headings(others).length).toBeGreaterThan(3)
    const troubles = page.split(/^### /m).slice(1)
    expect(troubles.filter((one) => !one.includes('**Cure:**'))).toEqual([])
  })
})
