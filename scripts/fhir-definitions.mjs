// Reads HL7's own definitions, for the scripts that make files of them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A JSON file. */
export const read = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** StructureDefinitions, ValueSets and CodeSystems by URL: of R5 from JSON, of R4 from profiles-resources.xml and profiles-types.xml. */
export function loaded(from) {
  const all = readdirSync(from).flatMap((name) => {
    if (/^(StructureDefinition|ValueSet|CodeSystem)-.*\.json$/.test(name)) return [read(join(from, name))]
    return /^profiles-(resources|types)\.xml$/.test(name)
      ? structuresOf(readFileSync(join(from, name), 'utf8'))
      : []
  })
  return new Map(all.map((one) => [one.url, one]))
}

/** Of StructureDefinitions in XML what is made use of. The R4 schema lists the codes of required bindings itself. */
function structuresOf(xml) {
  return xml
    .split('<StructureDefinition ')
    .slice(1)
    .map((text) => {
      const snapshot = /<snapshot>([\s\S]*)<\/snapshot>/.exec(text)?.[1] ?? ''
      const element = [...snapshot.matchAll(/<element id[\s\S]*?<\/element>/g)].map(([found]) => ({
        path: valueIn('path', found),
        min: Number(valueIn('min', found)),
        max: valueIn('max', found),
        contentReference: valueIn('contentReference', found),
        type: [...found.matchAll(/<type>([\s\S]*?)<\/type>/g)].map(([, type]) => ({
          code: valueIn('code', type),
          targetProfile: [...type.matchAll(/<targetProfile value="([^"]*)"/g)].map(([, url]) => url),
        })),
      }))
      return {
        url: valueIn('url', text),
        kind: valueIn('kind', text),
        derivation: valueIn('derivation', text),
        abstract: valueIn('abstract', text) === 'true',
        snapshot: { element },
      }
    })
}

function valueIn(name, xml) {
  return new RegExp(`<${name} value="([^"]*)"`).exec(xml)?.[1]
}
