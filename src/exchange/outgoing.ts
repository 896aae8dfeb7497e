import type { Grant } from '../access/grant.ts'
import { type OutgoingPolicy, outgoing } from '../fhir/people/outgoing.ts'
import type { Spoken } from './dialect.ts'

/** Lets a resource of an answer out. */
export type Outgoing = <T extends { resourceType: string }>(resource: T) => T

/**
 * How resources leave an exchange within a grant: they name its patients and its studies, and nobody else. No request is made for
 * it: a RelatedPerson or a Person is never within a grant, and a Group only where the exchange's studies are Groups.
 */
export function outgoingWithin(
  grant: Grant,
  { dialect, asking }: Spoken,
  attachments: OutgoingPolicy['attachments'] = 'kept',
): Outgoing {
  const policy: OutgoingPolicy = {
    baseUrl: asking.client.baseUrl,
    attachments,
    mayName: ({ type, id }) =>
      type === 'Patient'
        ? grant.standing(id) === 'member'
        : type === 'Group' && dialect.groupsAreStudies && grant.allowsStudy(id),
  }
  return (resource) => outgoing(resource, policy)
}
