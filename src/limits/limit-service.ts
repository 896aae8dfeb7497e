import { isFhirMcpError } from '../errors.ts'
import type { Asker, McpService } from '../mcp/service.ts'
import { principalKey } from './principal-key.ts'
import type { Turns } from './turns.ts'

/**
 * The same service, where each tool call, read resource and completion is counted by its bearer (`admit`) and waits for its
 * turn among those of its principal. Over a limit they throw RATE_LIMITED: nothing was decided then, and nothing asked.
 */
export function limitService(service: McpService, turns: Turns): McpService {
  async function inTurn<T>(asker: Asker, run: () => Promise<T>): Promise<T> {
    await asker.admit?.()
    const leave = await turns.enter(principalKey(asker.principal), asker.signal)
    try {
      return await run()
    } finally {
      leave()
    }
  }

  return {
    ...service,
    async callTool(request) {
      let begun = false
      try {
        return await inTurn(request, () => {
          begun = true
          return service.callTool(request)
        })
      } catch (thrown) {
        if (!begun && isFhirMcpError(thrown)) service.noteRefusal(request, thrown)
        throw thrown
      }
    },
    readResource: (request) => inTurn(request, () => service.readResource(request)),
    complete: (request) => inTurn(request, () => service.complete(request)),
  }
}
