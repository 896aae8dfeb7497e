import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { z } from 'zod'
import { shortened } from './answers.ts'
import { exampleValue } from './example-values.ts'
import { code, fenced, table } from './markup.ts'
import type { Site } from './site.ts'

type Offered = Pick<Site, 'registry' | 'client'>

/** In which the variables of a resource differ from the arguments of that name. */
const ids: Readonly<Record<string, string>> = { study: 'study-a', patient: 'pat-2' }

/** Each resource, with the beginning of what reading one gives. */
export async function resourceSections({ registry, client }: Offered): Promise<string[]> {
  const sections: string[] = []
  for (const { uri, name, title, description, mimeType } of registry.resources.values()) {
    const template = new UriTemplate(uri)
    const pairs = template.variableNames.map((variable) => [variable, ids[name] ?? exampleValue(variable)])
    const example = template.expand(Object.fromEntries(pairs))
    const read = await client.readResource(example)
    const text = read.startsWith('{') ? JSON.stringify(JSON.parse(read), null, 2) : read
    sections.push(
      `### ${uri}\n\n**${title}.** ${description} As ${code(mimeType)}.\n\n${code(example)}:\n\n${fenced('text', shortened(text))}`,
    )
  }
  return sections
}

const message = z.looseObject({ role: z.string(), content: z.looseObject({ text: z.string().default('') }) })

/** Each prompt, with what it says to the assistant. */
export async function promptSections({ registry, client }: Offered): Promise<string[]> {
  const sections: string[] = []
  for (const { name, title, description, arguments: given } of registry.prompts.values()) {
    const rows = given.map((one) => [
      one.required ? `**${code(one.name)}**` : code(one.name),
      one.description,
    ])
    const values = given
      // Some take a patient or a study, and say of neither that it is required.
      .filter((one) => one.required || one.name === 'study')
      .map((one) => [one.name, String(exampleValue(one.name))])
    const messages = await client.getPrompt(name, Object.fromEntries(values))
    const said = messages.map((one) => message.parse(one).content.text).join('\n\n')
    const parts = [
      `### ${name}`,
      `**${title}.** ${description}`,
      ...(rows.length === 0 ? [] : [table(['argument', 'meaning'], rows)]),
      fenced('text', shortened(said, 40)),
    ]
    sections.push(parts.join('\n\n'))
  }
  return sections
}
