import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Asker, McpService } from '../mcp/service.ts'
import { personKey } from './person-key.ts'
import type { Turns } from './turns.ts'

/**
 * The same service, where each tool call, read resource and completion is counted by its bearer (`admit`) and waits for its
 * turn among those of its person, whatever their client. Over a limit they throw RATE_LIMITED: nothing was decided then, and nothing asked, but it is recorded.
 */
export function limitService(service: McpService, turns: Turns): McpService {
  async function inTurn<Request extends Asker, T>(
    request: Request,
    run: (request: Request) => Promise<T>,
    keepRefusal: (request: Request, error: FhirMcpError) => Promise<void>,
  ): Promise<T> {
    const leave = await entered(request).catch(async (thrown: unknown) => {
      if (isFhirMcpError(thrown)) await keepRefusal(request, thrown)
      throw thrown
    })
    try {
      return await run(request)
    } finally {
      leave()
    }
  }

  async function entered({ admit, principal, signal }: Asker): Promise<() => void> {
    await admit?.()
    return turns.enter(personKey(principal), signal)
  }

  return {
    ...service,
    callTool: (request) => inTurn(request, service.callTool, service.keepRefusal),
    readResource: (request) => inTurn(request, service.readResource, service.keepRefusedRead),
    complete: (request) => inTurn(request, service.complete, service.keepRefusedCompletion),
  }
}
