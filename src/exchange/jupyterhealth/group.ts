import type * as r5 from 'fhir/r5.js'
import { z } from 'zod'
import type { Group } from '../../fhir/types.ts'

const organizationSchema = z.looseObject({ id: z.number().int(), name: z.string().nullish() })
const detailsSchema = z.looseObject({
  id: z.number().int(),
  description: z.string().nullish(),
  organization: organizationSchema.nullish(),
})
const listSchema = z.looseObject({ results: z.array(z.unknown()) })
const codedSchema = z.looseObject({ coding: z.array(z.looseObject({ code: z.string().optional() })) })

/** What the exchange's API knows of a study and its Group does not say. */
export type StudyDetails = z.output<typeof detailsSchema>

/** Reads the details of studies from `studies` or `studies/{id}` of the API; what is not of that form is passed over. */
export function studyDetails(answer: unknown): Map<string, StudyDetails> {
  const list = listSchema.safeParse(answer)
  const details = new Map<string, StudyDetails>()
  for (const one of list.success ? list.data.results : [answer]) {
    const parsed = detailsSchema.safeParse(one)
    if (parsed.success) details.set(String(parsed.data.id), parsed.data)
  }
  return details
}

/** Whether a Group is a study of this exchange: its `type` is coded as such, or not coded at all. */
export function isStudyGroup(group: Group): boolean {
  const coded = codedSchema.safeParse(group.type)
  return !coded.success || coded.data.coding.some((coding) => coding.code === 'study')
}

/**
 * A study of the exchange as the ResearchStudy (R5) that it is; nothing is invented. The owning organization is given as
 * the sponsor, which is an assumption: the exchange does not say what role it has.
 */
export function groupToResearchStudy(
  group: Group & { id: string },
  details: StudyDetails | undefined,
): r5.ResearchStudy {
  const description = details?.description ?? group.description
  const owner = details?.organization ?? undefined
  return {
    resourceType: 'ResearchStudy',
    id: group.id,
    ...(group.meta === undefined ? {} : { meta: group.meta }),
    ...(group.name === undefined ? {} : { title: group.name }),
    status: 'unknown',
    ...(description ? { description } : {}),
    ...(owner === undefined ? {} : { associatedParty: [sponsor(owner)] }),
    recruitment: { actualGroup: { reference: `Group/${group.id}` } },
  }
}

function sponsor({ id, name }: z.output<typeof organizationSchema>): r5.ResearchStudyAssociatedParty {
  return {
    ...(name ? { name } : {}),
    role: { coding: [{ system: 'http://hl7.org/fhir/research-study-party-role', code: 'sponsor' }] },
    party: { reference: `Organization/${id}` },
  }
}
