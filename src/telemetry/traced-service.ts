import type { CallLine } from '../audit/record.ts'
import type { Asker, McpService } from '../mcp/service.ts'
import { inSpan, markFailed, type OpenSpan } from './spans.ts'

/**
 * The same service, where each tool call, read resource and completion is a span, named by the conventions for MCP: a name that
 * nobody registered is `unknown`. How it ended is what its record says.
 */
export function tracedService(service: McpService): McpService {
  const { registry } = service
  return {
    ...service,
    callTool(request) {
      const name = registry.tools.has(request.name) ? request.name : 'unknown'
      return inSpan(`tools/call ${name}`, (span) => {
        if (span === undefined) return service.callTool(request)
        span.setAttributes({ 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': name })
        return service.callTool(noting(request, span))
      })
    },
    readResource: (request) =>
      inSpan('resources/read', (span) => {
        if (span === undefined) return service.readResource(request)
        const template = registry.match(request.uri)?.definition.uri ?? 'unknown'
        span.setAttributes({ 'mcp.method.name': 'resources/read', 'fhir_mcp.resource.template': template })
        return service.readResource(noting(request, span))
      }),
    complete: (request) =>
      inSpan('completion/complete', (span) => {
        if (span === undefined) return service.complete(request)
        const template = registry.resources.has(request.uri) ? request.uri : 'unknown'
        span.setAttributes({
          'mcp.method.name': 'completion/complete',
          'fhir_mcp.resource.template': template,
        })
        return service.complete(noting(request, span))
      }),
  }
}

function noting<Request extends Asker>(request: Request, span: OpenSpan): Request {
  const { record } = request
  return {
    ...request,
    record(line: CallLine) {
      const { outcome, code, requests } = line
      span.setAttributes({ 'fhir_mcp.outcome': outcome, 'fhir_mcp.exchange.requests': requests })
      if (outcome !== 'allowed') markFailed(span, { type: code ?? 'fault', code })
      record?.(line)
    },
  }
}
