import { z } from 'zod'
import { defaultRoles } from '../access/roles.ts'
import { seconds } from './fields.ts'

/** Enrolled is configuration: what each FHIR release calls it. */
const enrolledSchema = z
  .object({
    r4: z
      .array(z.string())
      .default(['on-study', 'on-study-intervention', 'on-study-observation', 'follow-up', 'off-study'])
      .describe('R4 ResearchSubject.status values that count as enrolled'),
    r5NotEnrolled: z
      .array(z.string())
      .default(['candidate', 'eligible', 'ineligible', 'screening', 'withdrawn'])
      .describe(
        'R5 progress.subjectState values that do not count as enrolled (an active one without a state counts)',
      ),
  })
  .prefault({})

/** JavaScript lists keys that are whole numbers first, whatever their place, and the place is the strength. */
const roleName = z.string().regex(/^(?!\d+$).+$/, 'a role must not be a whole number')

export const accessSchema = z
  .object({
    roles: z
      .record(roleName, z.array(z.string()))
      .default({ ...defaultRoles } as Record<string, string[]>)
      .describe('What each role may call, weakest first; * is everybody else, and every tool'),
    rosterSeconds: seconds(
      60,
      'How long a roster is kept: the longest time that a withdrawn right still works',
    ),
    rosterLimit: z
      .number()
      .int()
      .positive()
      .default(5000)
      .describe('Largest roster that is kept; beyond, patients are asked for one by one'),
    rosterCacheSize: z
      .number()
      .int()
      .positive()
      .default(500_000)
      .describe('Enrolments that are kept over all rosters'),
    enrolled: enrolledSchema,
    participantCodeSystem: z
      .string()
      .min(1)
      .optional()
      .describe(
        'JupyterHealth: identifier system whose values are participant codes; by default there are none',
      ),
  })
  .prefault({})

export type AccessOptions = z.output<typeof accessSchema>
