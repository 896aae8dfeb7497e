import type { Progress } from './service.ts'

/** A progress notification, as MCP words it. */
export interface ProgressNotification {
  method: 'notifications/progress'
  params: { progressToken: string | number; progress: number; total?: number; message: string }
}

/**
 * Reports progress under the token that the request carries; undefined where it carries none. A report that cannot be
 * sent any more is dropped: the call's own end says the rest.
 */
export function progressTo(
  token: string | number | undefined,
  send: (notification: ProgressNotification) => Promise<void>,
): Progress | undefined {
  if (token === undefined) return undefined
  return (progress, total, message) => {
    const params = { progressToken: token, progress, ...(total === undefined ? {} : { total }), message }
    send({ method: 'notifications/progress', params }).catch(() => undefined)
  }
}
