import { rpcCodes } from './rpc-error.ts'

interface Sending<Message, Options extends readonly unknown[]> {
  send(message: Message, ...options: Options): Promise<void>
}

/** The SDKs answer a request that has not the form of its method with a list of schema issues, as a fault of the server. */
const issues = /^(Invalid \S+ request: )?\[\s*\{/

/** Has a transport say in few words, and with the code for it (JSON-RPC 2.0 §5.1), that params have not the form of their method. */
export function wordFormErrors<Message, Options extends readonly unknown[]>(
  transport: Sending<Message, Options>,
): void {
  const send = transport.send.bind(transport)
  transport.send = (message, ...options) => {
    const error = errorIn(message)
    if (error !== undefined && issues.test(error.message)) {
      error.code = rpcCodes.invalidParams
      error.message = 'Invalid params: they do not have the form that this method takes'
    }
    return send(message, ...options)
  }
}

function errorIn(message: unknown): { code: unknown; message: string } | undefined {
  if (typeof message !== 'object' || message === null || !('error' in message)) return undefined
  const { error } = message
  return isRpcError(error) ? error : undefined
}

function isRpcError(error: unknown): error is { code: unknown; message: string } {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    'message' in error &&
    typeof error.message === 'string'
  )
}
