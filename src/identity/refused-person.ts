import { isFhirMcpError } from '../errors.ts'

/** Whose token was refused: the token was good, what it claims was not. */
export interface RefusedPerson {
  readonly issuer: string
  readonly subject: string
  readonly client: string | undefined
}

/** Beside the errors and not in them: whoever logs an error names nobody. */
const persons = new WeakMap<Error, RefusedPerson>()

/** What was thrown. Where it refuses the claim of a known person, `refusedPerson` says of whom from then on. */
export function ofPerson(
  thrown: unknown,
  { subject, ...rest }: Omit<RefusedPerson, 'subject'> & { readonly subject: string | undefined },
): unknown {
  if (subject !== undefined && isFhirMcpError(thrown, 'NO_PERMISSIONS'))
    persons.set(thrown, { subject, ...rest })
  return thrown
}

/** The person whose claim an error refuses, where it is known who that is. */
export function refusedPerson(error: Error): RefusedPerson | undefined {
  return persons.get(error)
}
