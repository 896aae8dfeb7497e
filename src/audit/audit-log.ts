/** Writes a line of the ordinary log. */
export type AuditLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  members?: Readonly<Record<string, unknown>>,
) => void
