import { dataTypes } from '../../open-mhealth/data-types.ts'
import { getDataType } from '../../tools/get-data-type.ts'
import type { LocalResourceDefinition } from '../registry.ts'
import { jsonOf } from './answer-text.ts'

/** What a type of reading means. */
export const dataTypeResource: LocalResourceDefinition = {
  local: true,
  uri: 'open-mhealth://data-type/{name}',
  name: 'data-type',
  title: 'Type of reading',
  description: 'Codes, unit and shape of a type of reading, such as heart-rate.',
  mimeType: 'application/json',
  read: async ({ name }, context) => jsonOf(await getDataType.run({ data_type: name }, context)),
  complete: async (_, value) =>
    dataTypes()
      .map((type) => type.name)
      .filter((name) => name.startsWith(value)),
}
