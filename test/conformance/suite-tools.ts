import { z } from 'zod'
import type { FhirMcp } from '../../plugins/index.ts'
import { png, wav } from './samples.ts'

const embedded = (uri: string, mimeType: string, text: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text },
})
const image = { type: 'image', data: png, mimeType: 'image/png' }

/** Tools that the conformance suite calls by name, made as any gateway would make its own. */
export function addSuiteTools(fhirMcp: FhirMcp): void {
  const add = (name: string, description: string, run: Parameters<FhirMcp['tool']>[0]['run']) =>
    fhirMcp.tool({ name, title: name, description, input: z.object({}), output: 'content', local: true, run })

  add('test_simple_text', 'Answers with text.', async () => ({
    text: 'This is a simple text response for testing.',
  }))
  add('test_image_content', 'Answers with an image.', async () => ({ content: [image] }))
  add('test_audio_content', 'Answers with audio.', async () => ({
    content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
  }))
  add('test_embedded_resource', 'Answers with a resource.', async () => ({
    content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  }))
  add('test_multiple_content_types', 'Answers with text, an image and a resource.', async () => ({
    text: 'Multiple content types test:',
    content: [
      image,
      embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }))
  add('test_error_handling', 'Always fails.', async () => ({
    isError: true,
    text: 'This tool intentionally returns an error for testing',
  }))
  add('test_tool_with_progress', 'Reports its progress.', async (_, { progress }) => {
    for (const done of [0, 50, 100]) progress(done, 100, `${done} of 100`)
    return { text: 'Done.' }
  })
  // Nothing is asked of the client here: what the suite looks at is that the answer's stream holds no request of the server.
  add('test_streaming_elicitation', 'Reports its progress, and asks nothing.', async (_, { progress }) => {
    progress(1, 1, 'done')
    return { text: 'Nothing was asked.' }
  })
  // The product sends no log messages to clients; the suite looks that none comes without a log level.
  add('test_logging_tool', 'Answers, and logs nothing to the client.', async () => ({ text: 'Done.' }))
  fhirMcp.tool({
    name: 'json_schema_2020_12_tool',
    title: 'A nested input',
    description: 'Takes an object within an object.',
    input: z.strictObject({
      name: z.string().optional(),
      address: z.object({ street: z.string(), city: z.string() }).meta({ id: 'address' }).optional(),
    }),
    output: 'content',
    local: true,
    run: async () => ({ text: 'Taken.' }),
  })
}
