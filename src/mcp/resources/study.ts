import { fhirMcpError } from '../../errors.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import { getStudyMetadata } from '../../tools/get-study-metadata.ts'
import type { ResourceDefinition } from '../registry.ts'
import { jsonOf } from './answer-text.ts'

/** A study within reach, as a ResearchStudy. */
export const studyResource: ResourceDefinition = {
  uri: 'exchange://study/{id}',
  name: 'study',
  title: 'Study',
  description: 'A study within reach, as ResearchStudy.',
  mimeType: 'application/fhir+json',
  rule: { name: getStudyMetadata.name, ...getStudyMetadata.rule },
  subject: ({ id }) => ({ kind: 'study', study: idOnly(id) }),
  read: async ({ id }, context) =>
    jsonOf(await getStudyMetadata.run({ study_id: idOnly(id), format: 'fhir' }, context)),
  async complete(_, value, { grant, exchange }) {
    const { studies, unrestricted } = grant.terms
    const ids = unrestricted
      ? (await exchange.studies(grant)).studies.map((study) => study.id ?? '')
      : [...studies]
    return ids.filter((id) => id.startsWith(value)).sort()
  },
}

/** A URI names by id alone: it is no place for a title. */
export function idOnly(id: string | undefined): string {
  if (id === undefined || !isFhirId(id)) throw fhirMcpError('FORBIDDEN')
  return id
}
