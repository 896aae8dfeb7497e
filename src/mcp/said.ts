import type { Said } from '../audit/touched.ts'
import type { Answer } from '../results/answer.ts'
import type { ResourceBody } from './registry.ts'
import type { Completion } from './service.ts'

/** What a tool answered. The text of a structured answer says the same; further content may say more. */
export function saidInAnswer({ structured, text = '', content = [] }: Answer): Said {
  const more = content.length > 0 ? JSON.stringify(content) : undefined
  if (structured !== undefined) return { structured, text: more, wording: text }
  return text === '' && more === undefined ? {} : { text: `${text}\n${more ?? ''}` }
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
