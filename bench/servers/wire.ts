import { z } from 'zod'

export const roleNames = ['exchange', 'gateway', 'reference', 'load', 'rosters', 'relay'] as const
export type RoleName = (typeof roleNames)[number]

/** What the parent says to a child. */
export const requestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), id: z.number(), role: z.enum(roleNames), config: z.unknown() }),
  z.object({ kind: z.literal('ask'), id: z.number(), command: z.string(), given: z.unknown() }),
])
export type ChildRequest = z.output<typeof requestSchema>

/** What a child answers. */
export const replySchema = z.object({ id: z.number(), value: z.unknown() })
