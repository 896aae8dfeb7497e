import { getServerCapabilities } from '../../tools/get-server-capabilities.ts'
import type { ResourceDefinition } from '../registry.ts'
import { jsonOf } from './answer-text.ts'

/** What the exchange is and can be asked. */
export const capabilitiesResource: ResourceDefinition = {
  uri: 'fhir://capabilities',
  name: 'capabilities',
  title: 'Capabilities of the exchange',
  description: 'Software, FHIR release, searches and limits.',
  mimeType: 'application/json',
  rule: { name: getServerCapabilities.name, ...getServerCapabilities.rule },
  subject: () => ({ kind: 'reach' }),
  read: async (_, context) => jsonOf(await getServerCapabilities.run({}, context)),
}
