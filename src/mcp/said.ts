import type { Said } from '../audit/touched.ts'
import type { Answer, ContentBlock } from '../results/answer.ts'
import type { ResourceBody } from './registry.ts'
import type { Completion } from './service.ts'

/**
 * What a tool answered. The text of a structured answer says the same; further content may say more. Of pictures and sounds only
 * the size counts: letters of base64 are nobody's id.
 */
export function saidInAnswer({ structured, text = '', content = [] }: Answer): Said {
  const said = content.filter((block) => !isBinary(block))
  const binary = content.filter(isBinary).map((block) => JSON.stringify(block))
  const more = content.length > 0 ? said.map((block) => JSON.stringify(block)).join('\n') : undefined
  const wording = binary.join('')
  if (structured !== undefined) return { structured, text: more, wording: text + wording }
  return text === '' && more === undefined ? {} : { text: `${text}\n${more ?? ''}`, wording }
}

function isBinary({ type }: ContentBlock): boolean {
  return type === 'image' || type === 'audio'
}

/** What a resource answered: FHIR where it is that. */
export function saidInBody(body: ResourceBody): Said {
  if ('blob' in body) return { text: body.blob }
  try {
    return { structured: JSON.parse(body.text) }
  } catch {
    return { text: body.text }
  }
}

/** Values that fit may be ids of patients. */
export function saidInCompletion({ values }: Completion): Said {
  return { structured: { columns: ['value'], rows: values.map((value) => [value]) } }
}
