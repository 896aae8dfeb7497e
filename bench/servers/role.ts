import type { z } from 'zod'

/** What a child process does once it runs. */
export interface Running {
  /** What the parent has to know of it, such as its address. */
  readonly facts: unknown
  /** What the parent may ask it. */
  readonly commands: Readonly<Record<string, (given: unknown) => unknown>>
}

/** What a child process can be. */
export interface Role {
  start(config: unknown): Promise<Running>
}

/** A role whose configuration has a schema, since it comes from another process. */
export function defineRole<Config extends z.ZodType>(
  schema: Config,
  start: (config: z.output<Config>) => Promise<Running>,
): Role {
  return { start: (config) => start(schema.parse(config)) }
}
