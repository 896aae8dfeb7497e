import type { FhirMcp } from '../../plugins/index.ts'
import { png } from './samples.ts'

/** Resources and prompts that the conformance suite asks for by name. */
export function addSuiteResources(fhirMcp: FhirMcp): void {
  fhirMcp.resource({
    uri: 'test://static-text',
    name: 'static-text',
    title: 'Text',
    description: 'A text.',
    mimeType: 'text/plain',
    local: true,
    read: async () => ({ text: 'This is the content of the static text resource.' }),
  })
  fhirMcp.resource({
    uri: 'test://static-binary',
    name: 'static-binary',
    title: 'Image',
    description: 'An image.',
    mimeType: 'image/png',
    local: true,
    read: async () => ({ blob: png }),
  })
  fhirMcp.resource({
    uri: 'test://template/{id}/data',
    name: 'template',
    title: 'Template',
    description: 'A resource for each id.',
    mimeType: 'application/json',
    local: true,
    read: async ({ id }) => ({
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    }),
  })
}

/** Prompts that the conformance suite gets by name. */
export function addSuitePrompts(fhirMcp: FhirMcp): void {
  const required = (name: string, description: string) => ({ name, description, required: true })
  fhirMcp.prompt({
    name: 'test_simple_prompt',
    title: 'Simple',
    description: 'A prompt without arguments.',
    arguments: [],
    get: () => [{ role: 'user', text: 'This is a simple prompt for testing.' }],
  })
  fhirMcp.prompt({
    name: 'test_prompt_with_arguments',
    title: 'With arguments',
    description: 'A prompt with two arguments.',
    arguments: [required('arg1', 'First test argument'), required('arg2', 'Second test argument')],
    get: ({ arg1, arg2 }) => [
      { role: 'user', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` },
    ],
  })
  fhirMcp.prompt({
    name: 'test_prompt_with_embedded_resource',
    title: 'With a resource',
    description: 'A prompt that holds a resource.',
    arguments: [required('resourceUri', 'URI of the resource to embed')],
    get: ({ resourceUri }) => [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: {
            uri: resourceUri,
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
      },
      { role: 'user', text: 'Please process the embedded resource above.' },
    ],
  })
  fhirMcp.prompt({
    name: 'test_prompt_with_image',
    title: 'With an image',
    description: 'A prompt that holds an image.',
    arguments: [],
    get: () => [
      { role: 'user', content: { type: 'image', data: png, mimeType: 'image/png' } },
      { role: 'user', text: 'Please analyze the image above.' },
    ],
  })
}
